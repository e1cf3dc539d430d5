/**
 * Messages on their way. Each is kept on this device before it is sent, and sent again, under the same `client_id`,
 * until the server has answered or the log shows it. Those of one room go strictly one after the other.
 *
 * All tabs of a person share one outbox, and one of them sends. That only saves work: as the server takes each
 * `client_id` once, and each sender goes to the next message only when the one before it is known to be in the log or
 * refused, two senders at once would neither double a message nor change the order. For what a tab knows of the outbox
 * is always all that was written up to some moment, never a later message without those before it.
 */
import type { Kept, Unsent } from "../kept/kept";
import { Refusal, sentence } from "../refusal";
import type { Link } from "../socket";
import type { Candidate, Tabs } from "../tabs";
import { uuid } from "../uuid";
import { Sending } from "./sending";

export interface Pending extends Omit<Unsent, "state"> {
  state: Unsent["state"] | "sending";
  /** Where it stands among all that is kept. */
  place: number;
  /** Whether it will still be there when the page is opened again. */
  kept: boolean;
  /** If it is not kept: the place where it still stands on the device as it was before it was sent again. */
  former: number | null;
}

/** What an outbox needs of the page around it. */
export interface Surroundings {
  link: Pick<Link, "ask">;
  kept: Kept;
  tabs: Tabs;
  /** Called when we may have to be in other rooms than before, `notIn` being one that we are not in after all. */
  changed: (notIn?: string) => void;
}

export class Outbox {
  /** In the order of writing. Not bounded: it holds what one person has typed and not yet been rid of. */
  pending = $state<Pending[]>([]);
  /** Whether it is this tab that sends. */
  #sends = false;
  readonly #sending: Sending;
  /** The places of what is gone, until that is kept too. */
  #gone = new Set<number>();
  /** What failed and is being put where it will be sent again. */
  #retried = new Set<string>();
  /** The last of what is being written to the device, one after the other. */
  #writing: Promise<void> | null = null;
  #recalling: Promise<void> | null = null;
  #recallAgain = false;
  #candidate: Candidate | null = null;

  constructor(
    private readonly user: number,
    private readonly around: Surroundings,
    random: () => number = Math.random,
  ) {
    const { link, changed } = around;
    this.#sending = new Sending(link, this, changed, random);
  }

  /** Begins to send, when it is this tab's turn. Until the returned function is called. */
  start(): () => void {
    const { tabs } = this.around;
    const stopListening = tabs.listen((word) => {
      if (word.is === "outbox" && word.user === this.user) void this.recall();
    });
    const candidate = tabs.standFor(`outbox.${this.user}`, (held) => this.#elected(held));
    this.#candidate = candidate;
    return () => {
      stopListening();
      candidate.withdraw();
      this.#sends = false;
      this.#sending.stop();
    };
  }

  in(room: string): Pending[] {
    return this.pending.filter((message) => message.room === room);
  }

  /** Whether we have to be in this room to send something, without anybody's doing. */
  hasWork(room: string): boolean {
    return this.first(room) !== undefined;
  }

  /** Whether what is typed outlives this page. */
  get keeps(): boolean {
    return !this.wouldLose && this.around.kept.works;
  }

  /** Whether closing the page would lose something. */
  get wouldLose(): boolean {
    return this.unkept.length > 0;
  }

  /** What nothing but this page's memory holds. */
  get unkept(): Pending[] {
    return this.pending.filter((message) => !message.kept);
  }

  /** Goes on with what nothing but this page's memory holds, and an outbox of the same person before this one had. */
  takeOver(unkept: Pending[]) {
    const taken = unkept.map((message) => ({ ...message, ...asWritten(message) }));
    // As it was before it was sent again, it may have been read from the device already.
    const known = this.pending.filter(({ client_id }) =>
      taken.every((message) => message.client_id !== client_id),
    );
    this.pending = [...known, ...taken].sort(byPlace);
  }

  /** Resolves when the message is kept, or known to be in this page's memory only. */
  async post(room: string, body: string) {
    this.#sendFromHere();
    const written: Unsent = {
      room,
      client_id: uuid(),
      body,
      at: Date.now(),
      state: "waiting",
      why: null,
      code: null,
    };
    await this.#write(() => this.#add(written));
  }

  /** The message has become one of the room's log. */
  settle(clientId: string) {
    const message = this.find(clientId);
    if (message) void this.#remove(message);
  }

  /** Sends a failed message again. It goes to the end: what was written after it has perhaps been sent already. */
  async retry(clientId: string) {
    this.#sendFromHere();
    await this.#write(async () => {
      const failed = this.find(clientId);
      if (failed?.state !== "failed") return;
      const again = { ...asWritten(failed), state: "waiting" as const, why: null, code: null };
      // Under this id there is another message. Nothing was stored under it for this one, so another id doubles nothing.
      if (failed.code === "idempotency_conflict") again.client_id = uuid();
      this.#retried.add(clientId);
      await this.#add(again, failed);
      this.#retried.delete(clientId);
    });
  }

  /** Gives a failed message up. */
  discard(clientId: string) {
    const message = this.find(clientId);
    if (message?.state === "failed" && !this.#retried.has(clientId)) void this.#remove(message);
  }

  /** We have entered the room, with everything that we missed received. */
  entered(room: string) {
    this.#sending.entered(room);
  }

  left(room: string) {
    this.#sending.left(room);
  }

  /** The room does not let us in, and will not by itself: what waits for it has failed. */
  async refused(room: string, why: Refusal) {
    this.left(room);
    await this.fail(
      this.in(room).filter(({ state }) => state === "waiting"),
      why,
    );
  }

  /** What the room is to get first, if that is for this tab to send. What stands behind it waits, whoever sends it. */
  first(room: string): Pending | undefined {
    const first = this.in(room).find((message) => message.state !== "failed");
    return first && this.#isOurs(first) ? first : undefined;
  }

  find(clientId: string): Pending | undefined {
    return this.pending.find((message) => message.client_id === clientId);
  }

  /** The messages will not become part of the log by themselves. They stay, for their author to decide. */
  async fail(messages: Pending[], why: unknown) {
    for (const message of messages) {
      message.state = "failed";
      message.why = sentence(why);
      message.code = why instanceof Refusal ? why.code : null;
    }
    const kept = messages.filter((message) => message.kept);
    await Promise.all(
      kept.map((message) => this.around.kept.changeUnsent(this.user, message.place, asWritten(message))),
    );
    this.#tell();
  }

  disconnected() {
    this.#sending.disconnected();
  }

  /** Brings the device to where this page is, and this page to where the device is. */
  async catchUp() {
    await this.#write(() => this.recall());
  }

  /** Somebody looks at this page: it sends from now on, should the tab that did so be asleep. */
  async wake() {
    await this.catchUp();
    if (this.pending.some((message) => message.state !== "failed")) this.#sendFromHere();
  }

  /** Reads what is kept: it was written before, or in another tab. */
  async recall() {
    // However often it is asked for meanwhile, one more reading after this one shows it all.
    this.#recallAgain = true;
    this.#recalling ??= this.#recallAll();
    await this.#recalling;
  }

  async #recallAll() {
    while (this.#recallAgain) {
      this.#recallAgain = false;
      const kept = await this.around.kept.unsent(this.user);
      if (kept) this.#merge(kept);
    }
    this.#recalling = null;
    this.#sending.goOn();
    this.around.changed();
  }

  #merge(kept: Map<number, Unsent>) {
    const ours = new Map(this.pending.map((message) => [message.client_id, message]));
    const merged = this.pending.filter((message) => !message.kept);
    const outdated = new Set([...this.#gone, ...merged.map(({ former }) => former)]);
    // One that was kept although that seemed to fail stands there twice: the second shows when the first is gone.
    const shown = new Set<string>();
    for (const [place, message] of kept) {
      const known = ours.get(message.client_id);
      if (outdated.has(place) || known?.kept === false || shown.has(message.client_id)) continue;
      shown.add(message.client_id);
      const unchanged = known?.place === place && asWritten(known).state === message.state;
      merged.push(unchanged ? known : { ...message, place, kept: true, former: null });
    }
    this.pending = merged.sort(byPlace);
  }

  #elected(held: boolean) {
    this.#sends = held;
    // Whoever sent before may not have told the last of it.
    if (held) void this.recall();
    else this.around.changed();
  }

  /** Writes to the device when all before it is written, and tries again what could not be written then. */
  async #write(change: () => Promise<void>) {
    const writing = this.#writeAfter(this.#writing, change);
    this.#writing = writing;
    await writing;
    if (this.#writing === writing) this.#writing = null;
  }

  /** Begins at once, if nothing has to be written before: whoever comes when this page has crashed finds it then. */
  async #writeAfter(before: Promise<void> | null, change: () => Promise<void>) {
    if (before) await before.catch(() => undefined);
    if (this.#gone.size > 0 || this.wouldLose) await this.#keepLate();
    await change();
  }

  /** Brings the device to where the page is: what is kept only now, and behind it what was written after it. */
  async #keepLate() {
    for (const room of new Set(this.unkept.map((message) => message.room))) {
      const waiting = this.in(room).filter(({ state }) => state !== "failed");
      const late = waiting.slice(waiting.findIndex(({ kept }) => !kept));
      if (late.some(({ kept }) => !kept)) await this.#keep(late);
    }
    // What has failed stands in nobody's way, and nobody in its.
    for (const message of this.unkept) if (message.state === "failed") await this.#keep([message]);
    for (const place of this.#gone) if (await this.around.kept.removeUnsent(place)) this.#gone.delete(place);
    this.pending.sort(byPlace);
    this.#tell();
  }

  /** Puts messages at the end, from where they stand, if they can be kept. */
  async #keep(messages: Pending[]) {
    const late = messages.map((message) => ({ message: asWritten(message), former: onDevice(message) }));
    const places = await this.around.kept.putUnsent(this.user, ...late);
    if (places) messages.forEach(({ client_id }, index) => this.#isKept(client_id, places[index] ?? "gone"));
  }

  #isKept(clientId: string, place: number | "gone") {
    const found = this.find(clientId);
    if (place === "gone") this.#drop(clientId);
    else if (found) Object.assign(found, { place, kept: true, former: null });
    // It was settled meanwhile.
    else this.#gone.add(place);
  }

  /**
   * Shows a message when it has been kept, together with all that was kept before it, or could not be kept. `failed` is what
   * it was before it was sent again.
   */
  async #add(message: Unsent, failed: Pending | null = null) {
    const former = failed && onDevice(failed);
    // Behind what is not kept nothing is: another tab would send it first.
    const blocked = this.in(message.room).some(({ kept, state }) => !kept && state !== "failed");
    const places = blocked ? null : await this.around.kept.putUnsent(this.user, { message, former });
    if (failed) this.#drop(failed.client_id);
    if (places?.[0] === "gone") return;
    if (!places) {
      // What it was before has perhaps been read once more meanwhile.
      this.#drop(message.client_id);
      // It stands after what was before it, and before what is kept after it, whose place is a whole number.
      const between = (this.pending.at(-1)?.place ?? 0) + 2 ** -20;
      this.pending.push({ ...message, place: between, kept: false, former });
    }
    this.#tell();
    await this.recall();
  }

  /**
   * The tab in which one writes is the one that sends: another might be asleep. It is so before anything is written;
   * then, if this one crashes right after, whoever comes next finds what is new.
   */
  #sendFromHere() {
    this.#candidate?.take();
  }

  async #remove(message: Pending) {
    this.#drop(message.client_id);
    const place = onDevice(message);
    if (place === null) return;
    this.#gone.add(place);
    if (await this.around.kept.removeUnsent(place)) this.#gone.delete(place);
    this.#tell();
  }

  #drop(clientId: string) {
    this.pending = this.pending.filter((message) => message.client_id !== clientId);
  }

  #tell() {
    this.around.tabs.tell({ is: "outbox", user: this.user });
  }

  /** Whether it is for this tab to send. What only this page's memory holds, nobody else can. */
  #isOurs(message: Pending): boolean {
    return this.#sends || !message.kept;
  }
}

/** A message as it is kept: what is on its way now will be waiting for whoever reads it later. */
function asWritten({ room, client_id, body, at, state, why, code }: Pending): Unsent {
  return { room, client_id, body, at, state: state === "failed" ? "failed" : "waiting", why, code };
}

/** Its place on the device, be it as it is now or as it was. */
function onDevice({ kept, place, former }: Pending): number | null {
  return kept ? place : former;
}

function byPlace(one: Pending, other: Pending): number {
  return one.place - other.place;
}
