/**
 * Everything a logged-in person has before them. Events come in here and go to the part they concern;
 * what people do goes out from here.
 */
import * as api from "../api";
import type { Kept } from "../kept/kept";
import { NoAnswer, Refusal } from "../refusal";
import type { Link, LinkListener, Loss, ServerEvent } from "../socket";
import type { Storage } from "../storage";
import type { Tabs } from "../tabs";
import type { Message, Room as ListedRoom, User } from "../wire";
import { Clock } from "./clock.svelte";
import { Connection } from "./connection.svelte";
import { Drafts } from "./drafts";
import { Keeping } from "./keeping";
import { Outbox } from "./outbox.svelte";
import { Reads } from "./reads.svelte";
import { Room } from "./room.svelte";
import { Rooms } from "./rooms.svelte";

/** While the page is looked at, it says so this often. Twice in the time after which others take us for gone. */
const BEAT_MS = 30_000;
/** Looking away for less than this is not worth a beat. */
const GLANCE_MS = 5_000;
/** How many rooms are kept as they were left, to be there at once when one comes back. */
const KEPT_ROOMS = 8;
/** Further behind than this, as far as is known, a room is opened anew at its end. What lies between is loaded when gone to. */
const CATCH_UP = 20_000;
const RETRY_MS = 2_000;
/** In how many rooms we are at a time; what is to be sent in others waits its turn. The server allows 50. */
const MOST_ROOMS = 40;
/** Who was here is taken to be here still while a connection is lost for this long. Most come back sooner. */
const MOMENT_MS = 10_000;

/** What a house needs of the browser around it. */
export interface Surroundings {
  connect: (listener: LinkListener) => Link;
  storage: Storage;
  kept: Kept;
  tabs: Tabs;
  /** The server closed the connection or refused it: is the session still good? */
  doubtSession: () => void;
  /** Called when something is written: whoever does that has not left. */
  writes: () => void;
}

export class House implements LinkListener {
  readonly clock = new Clock();
  readonly rooms = new Rooms();
  readonly reads: Reads;
  readonly drafts: Drafts;
  readonly outbox: Outbox;
  readonly connection: Connection;
  /** The room on the screen. */
  room = $state.raw<Room | null>(null);

  /** Most recently opened last. */
  #kept = new Map<string, Room>();
  /** The rooms that the server was asked to let us into on this connection. */
  #asked = new Set<string>();
  /** The rooms that did not let us in on this connection. They are asked again only if somebody wants it. */
  #refused = new Set<string>();
  /** What is being put into the outbox. */
  #leaving = new Set<{ room: string; body: string }>();
  readonly #keeping: Keeping;
  #link: Link;
  #visible = $state(true);
  #lastBeat = 0;

  constructor(
    readonly me: User,
    private readonly around: Surroundings,
  ) {
    const { storage, kept, tabs } = around;
    this.#link = around.connect(this);
    this.reads = new Reads(storage, me.id);
    this.drafts = new Drafts(storage, me.id);
    this.connection = new Connection(this.#link);
    this.#keeping = new Keeping(me.id, kept, this.rooms);
    this.outbox = new Outbox(me.id, {
      link: this.#link,
      kept,
      tabs,
      changed: (notIn) => {
        if (notIn !== undefined) this.#asked.delete(notIn);
        this.#settleIn();
      },
    });
  }

  /** Finds what was kept on this device when they were here before, and of a room what was said there, to open with it. */
  async recall(room: string | null) {
    if (room !== null) this.#show(room);
    await Promise.all([this.outbox.recall(), this.#keeping.recallList(), this.room?.recalling]);
  }

  /** Lives until the returned function is called. */
  start(): () => void {
    const stopClock = this.clock.start();
    const stopOutbox = this.outbox.start();
    void this.outbox.catchUp();
    // A database that opened late had been taken for none.
    this.around.kept.whenLate(() => void this.outbox.catchUp());
    const beats = setInterval(() => this.#beat(), BEAT_MS);
    this.connection.open();
    return () => {
      stopClock();
      stopOutbox();
      this.around.kept.whenLate(() => undefined);
      this.#keeping.stop();
      clearInterval(beats);
      this.connection.close();
    };
  }

  // What the connection tells.

  opened() {
    this.connection.opened();
    this.#asked.clear();
    this.#refused.clear();
    this.room?.resumed();
    void this.#watchRooms();
    this.#settleIn();
  }

  lost(why: Loss) {
    this.connection.lost();
    this.#asked.clear();
    this.outbox.disconnected();
    if (why === "refused") this.around.doubtSession();
  }

  answered() {
    this.connection.answered();
  }

  unanswered() {
    this.connection.unanswered();
  }

  heard(...events: ServerEvent[]) {
    const messages: Message[] = [];
    for (const event of events) {
      if (event.name === "message") messages.push(event.data);
      else {
        this.#receive(messages.splice(0));
        this.#hear(event);
      }
    }
    this.#receive(messages);
  }

  #hear(event: Exclude<ServerEvent, { name: "message" }>) {
    switch (event.name) {
      case "rooms":
        this.rooms.apply(event.data);
        this.#keeping.listChanged();
        return;
      case "draining":
        this.connection.draining(event.data.retry_after_ms);
        return;
      case "participants":
        this.clock.hear(event.data.at);
        this.#kept.get(event.data.room)?.apply(event);
        return;
      case "resync":
        this.#resync(event);
        return;
    }
  }

  /** Messages that came together change each room once. */
  #receive(messages: Message[]) {
    for (const room of this.#kept.values()) {
      const its = messages.filter((message) => message.room === room.id);
      if (its.length === 0) continue;
      room.hear(its);
      this.#keeping.changed(room);
    }
    for (const { author, client_id } of messages) if (author.id === this.me.id) this.outbox.settle(client_id);
  }

  #resync(event: Extract<ServerEvent, { name: "resync" }>) {
    const room = this.#kept.get(event.data.room);
    if (!room) return;
    room.apply(event);
    this.#keeping.outdated(room);
  }

  // What people do.

  /** Opens a room, perhaps at one of its messages; null closes the one that is open. */
  async open(id: string | null, seq: number | null = null) {
    if (id !== null) this.#refused.delete(id);
    if (this.room?.id !== id) this.#show(id);
    const { room } = this;
    if (room?.recalling) await room.recalling;
    if (this.room !== room) return;
    if (room && seq !== null) await room.showAround(seq);
    else await room?.showNewest();
    this.#settleIn();
  }

  #show(id: string | null) {
    this.room = id === null ? null : this.#keep(id);
    this.room?.opened();
    // Also a room that we are in, for something still to be sent, is entered to learn what is new there.
    if (id !== null) this.#asked.delete(id);
  }

  /** Writes in the room on the screen. Resolves when the message is kept, or cannot be. */
  async post(body: string) {
    if (!this.room) return;
    void this.room.showNewest();
    this.room.timeline.following = true;
    const leaving = { room: this.room.id, body };
    this.#leaving.add(leaving);
    this.around.writes();
    await this.outbox.post(leaving.room, body);
    this.#leaving.delete(leaving);
    const draft = this.drafts.of(leaving.room);
    if (draft.startsWith(body)) this.drafts.keep(leaving.room, draft.slice(body.length).trimStart());
  }

  /** Keeps what was typed and not sent, and before it what is not safe in the outbox yet. */
  keepDraft(room: string, text: string) {
    const unsafe = [...this.#leaving].filter((one) => one.room === room && !text.startsWith(one.body));
    this.drafts.keep(
      room,
      [...unsafe.map(({ body }) => body), text].filter((part) => part !== "").join("\n"),
    );
  }

  async createRoom(name: string): Promise<ListedRoom> {
    const room = await api.createRoom(name);
    this.rooms.apply({ rooms: [room] });
    return room;
  }

  setVisible(visible: boolean) {
    this.#visible = visible;
    if (visible) this.room?.drawLine();
    if (visible) void this.outbox.wake();
    // A page that is not looked at can be closed without a word.
    else this.#keeping.now();
    if (visible && Date.now() - this.#lastBeat > GLANCE_MS) this.#beat();
  }

  /** What a room is called, as far as is known here; or nothing. */
  nameOf(id: string): string {
    const room = this.room?.id === id ? this.room : this.#kept.get(id);
    return room?.name || (this.rooms.get(id)?.name ?? "");
  }

  /** The rooms that are not in the list, and have messages of ours that were not sent. */
  get unlisted(): string[] {
    const unsent = new Set(this.outbox.pending.map((message) => message.room));
    return [...unsent].filter((id) => !this.rooms.get(id));
  }

  /** Whether what was told of who is here can still be believed. */
  get live(): boolean {
    const { connected, state, lostAt } = this.connection;
    if (connected || state.is === "offline" || lostAt === null) return connected;
    return this.clock.now - lostAt < MOMENT_MS;
  }

  /** What was typed and not sent. A browser that died on the way may have kept it twice: here and in the outbox. */
  draftOf(room: string): string {
    const draft = this.drafts.of(room);
    const sent = [...this.#leaving, ...this.outbox.pending];
    return sent.some((one) => one.room === room && one.body === draft.trimEnd()) ? "" : draft;
  }

  get visible(): boolean {
    return this.#visible;
  }

  setOnline(online: boolean) {
    if (!online) {
      this.#asked.clear();
      this.outbox.disconnected();
    }
    this.connection.setOnline(online);
  }

  // Being in the rooms that matter: the one on the screen, and those with something still to be sent.

  #settleIn() {
    if (!this.connection.connected) return;
    const shown = this.room && !this.#refused.has(this.room.id) ? [this.room.id] : [];
    const waiting = this.outbox.pending
      .map((message) => message.room)
      .filter((id) => this.outbox.hasWork(id));
    const wanted = new Set([...new Set([...shown, ...waiting])].slice(0, MOST_ROOMS));
    for (const id of this.#asked) if (!wanted.has(id)) this.#leave(id);
    for (const id of wanted) if (!this.#asked.has(id)) this.#ask(id);
  }

  async #ask(id: string) {
    this.#asked.add(id);
    this.#refused.delete(id);
    const room = this.#kept.get(id);
    if (room?.recalling) {
      await room.recalling;
      if (!this.#asked.has(id)) return;
    }
    // What came before an answer that never came has no epoch: nobody can say what follows it.
    if (room?.timeline.epoch === null) room.timeline.reset();
    const behind = (this.rooms.get(id)?.head ?? 0) - (room?.timeline.cursor ?? 0);
    if (room && behind > CATCH_UP && !room.timeline.hasNewer) room.timeline.reset();
    try {
      const answer = await this.#link.ask("join", { room: id, ...room?.cursor() });
      room?.entered(answer);
      if (room) this.#keeping.changed(room);
      this.outbox.entered(id);
      this.#lastBeat = Date.now();
    } catch (thrown) {
      this.#asked.delete(id);
      if (!this.connection.connected) return;
      if (thrown instanceof Refusal && isFinal(thrown)) this.#stayOut(id, thrown);
      else
        setTimeout(
          () => this.#settleIn(),
          thrown instanceof Refusal ? (thrown.retryAfterMs ?? RETRY_MS) : RETRY_MS,
        );
    }
  }

  /** A room does not let us in, and will not by itself. */
  #stayOut(id: string, why: Refusal) {
    this.#kept.get(id)?.refused(why);
    // Whose session has ended will be let in after they have logged in again.
    if (why.code === "not_logged_in") return;
    this.#refused.add(id);
    void this.outbox.refused(id, why);
  }

  #leave(id: string) {
    this.#asked.delete(id);
    this.outbox.left(id);
    // A leave that gets lost took the connection with it, and that leaves too.
    this.#link.ask("leave", { room: id }).catch(ignoreRefusal);
  }

  #keep(id: string): Room {
    const room = this.#kept.get(id) ?? this.#newRoom(id);
    this.#kept.delete(id);
    this.#kept.set(id, room);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_ROOMS && oldest !== undefined) this.#kept.delete(oldest);
    return room;
  }

  #newRoom(id: string): Room {
    const room = new Room(id, this.reads, () => this.#ask(id));
    if (this.around.kept.works) {
      room.recalling = this.#keeping.recall(room).finally(() => (room.recalling = null));
    }
    return room;
  }

  async #watchRooms() {
    try {
      const { rooms, total } = await this.#link.ask("watch_rooms", {});
      this.rooms.replace(rooms, total);
      this.#keeping.listChanged();
    } catch (thrown) {
      if (!this.connection.connected) return;
      const wait = (thrown instanceof Refusal && thrown.retryAfterMs) || RETRY_MS;
      setTimeout(() => this.connection.connected && this.#watchRooms(), wait);
    }
  }

  #beat() {
    if (!this.#visible || !this.connection.connected || !this.room || !this.#asked.has(this.room.id)) return;
    this.#lastBeat = Date.now();
    // A beat that is not answered is followed by the next one.
    this.#link.ask("heartbeat", { room: this.room.id }).catch(ignoreRefusal);
  }
}

function ignoreRefusal(thrown: unknown) {
  if (!(thrown instanceof Refusal || thrown instanceof NoAnswer)) throw thrown;
}

/** Whether the same question would be answered in the same way. */
function isFinal({ code, retryAfterMs }: Refusal): boolean {
  return retryAfterMs === undefined && code !== "internal";
}
