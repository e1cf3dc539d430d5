/** Who is at the page: nobody yet, somebody at the door, or somebody in the house. */
import * as api from "../api";
import type { Kept, Person } from "../kept/kept";
import { NoAnswer, Refusal } from "../refusal";
import type { Link, LinkListener } from "../socket";
import type { Storage } from "../storage";
import type { Tabs, Word } from "../tabs";
import type { User } from "../wire";
import { Drafts } from "./drafts";
import { House } from "./house.svelte";
import { Reads } from "./reads.svelte";
import { Route } from "./route.svelte";
import { Theme } from "./theme.svelte";

/** Set once somebody has been logged in on this device: then the door offers to log in, else to register. */
const KNOWN = "parlor.known";
/** Set while the database may say of somebody that they are here who is not any more: it could not be told. */
const UNTOLD = "parlor.untold";
/**
 * Who wants to log out, until that is done or the server says that they have not: they may have, though its answer was
 * lost or what they leave could not be deleted yet.
 */
const LEAVING = "parlor.leaving";
/** Who was here last waits this long for the server to say who they are, before they are let in without it. */
const KNOCK_MS = 150;

export type Place =
  | { is: "arriving" }
  | { is: "unreachable" }
  | { is: "door" }
  | { is: "inside"; house: House; user: User; admin: boolean };

/** What the page needs of the browser. */
export interface Surroundings {
  storage: Storage;
  kept: Promise<Kept>;
  tabs: Tabs;
  /** `admit` is asked before each connection is made, and rejects if the server does not answer it. */
  connect: (listener: LinkListener, admit: () => Promise<boolean>) => Link;
}

type Who = { user: User; admin: boolean };

export class App {
  place = $state.raw<Place>({ is: "arriving" });
  /** The account was made just now, and is the administrator's. */
  firstAdministrator = $state(false);
  /** Why somebody who was inside stands at the door. */
  sessionEnded = $state(false);
  /** Somebody has logged out, and what this device keeps of theirs could not be deleted. */
  leftBehind = $state(false);
  /** What somebody wrote and nothing but this page's memory held, until somebody else came in. */
  dropped = $state.raw<{ author: User; count: number } | null>(null);
  /** Another build of the page than the one that runs is what will be opened next. */
  newer = $state(false);
  readonly route = new Route();
  readonly theme: Theme;
  /** The house of somebody whose session has ended: it may hold what cannot be found anywhere else. */
  #left = $state.raw<House | null>(null);
  #stop: () => void = () => undefined;
  /** Counts the goings in and out: what was waited for may be settled otherwise meanwhile. */
  #moves = 0;
  /** Whether the server has said who has the session, and no connection has been made since. */
  #certain = false;
  #loggingOut = false;

  constructor(private readonly around: Surroundings) {
    this.theme = new Theme(around.storage);
  }

  get knownHere(): boolean {
    return this.around.storage.get(KNOWN) !== null;
  }

  /** Whether closing the page would lose something that somebody at the door has written. */
  get wouldLose(): boolean {
    return this.#left?.outbox.wouldLose ?? false;
  }

  /** Lives until the returned function is called. */
  start(): () => void {
    const stopListening = this.around.tabs.listen((word) => void this.#hear(word));
    void this.arrive();
    return () => {
      stopListening();
      this.#stop();
    };
  }

  /** Finds out who we are. Without an answer it is worth trying again, unless somebody is known to be here. */
  async arrive() {
    const moves = this.#moves;
    const asked = whoAmI();
    const kept = await this.around.kept;
    const last = await kept.whoIsHere();
    const here = this.around.storage.get(UNTOLD) === null ? last : null;
    const answer = await (here ? Promise.race([asked, noAnswer(KNOCK_MS)]) : asked);
    if (moves !== this.#moves) return;
    if (answer === "nobody") {
      if (last) await this.#sessionOver(last);
      else this.#toDoor();
    } else if (answer !== "no answer") await this.#enter(answer, true);
    else if (here) await this.#enter(asWho(here), false);
    else this.place = { is: "unreachable" };
  }

  async register(name: string, password: string) {
    const account = await api.register(name, password);
    this.firstAdministrator = account.admin;
    await this.#enter(account, true);
  }

  async logIn(name: string, password: string) {
    await this.#enter(await api.logIn(name, password), true);
  }

  /** Leaves nothing of theirs on this device, in any tab. */
  async logOut() {
    const { place } = this;
    if (place.is !== "inside" || this.#loggingOut) return;
    const { storage } = this.around;
    storage.set(LEAVING, String(place.user.id));
    this.#loggingOut = true;
    try {
      await api.logOut();
    } catch (thrown) {
      if (!isNotLoggedIn(thrown)) {
        if (thrown instanceof Refusal) storage.remove(LEAVING);
        // It may have happened all the same.
        else setTimeout(() => void this.#admit(place.user).catch(ignoreNoAnswer));
        throw thrown;
      }
    } finally {
      this.#loggingOut = false;
    }
    await this.#loggedOut(place.user);
  }

  async #loggedOut({ id }: User) {
    this.#toDoor();
    this.#left = null;
    this.around.tabs.tell({ is: "left", user: id });
    const leftBehind = !(await this.#forget(id));
    // Unless somebody has come in meanwhile.
    if (this.place.is === "door") this.leftBehind = leftBehind;
  }

  /**
   * Returns whether nothing of theirs is left on this device. Where it cannot be picked out, everything goes: what others
   * have written here and not sent is worth less than that nobody finds what these have.
   */
  async #forget(user: number): Promise<boolean> {
    if (await this.#pickOut(user)) return true;
    const { storage, kept } = this.around;
    const forgotten = await (await kept).forgetEverything();
    if (forgotten) storage.remove(LEAVING);
    else storage.set(UNTOLD, "1");
    return forgotten;
  }

  async #pickOut(user: number): Promise<boolean> {
    const { storage, kept } = this.around;
    forgetTraces(storage, user);
    const forgotten = await (await kept).forget(user);
    if (forgotten && storage.get(LEAVING) === String(user)) storage.remove(LEAVING);
    return forgotten;
  }

  /** `certain`: the server says so, other than what is only remembered. */
  async #enter({ user, admin }: Who, certain: boolean) {
    const { storage, tabs, connect } = this.around;
    const moves = ++this.#moves;
    const kept = await this.around.kept;
    if (certain) await this.#takePlace({ user, admin });
    const house = new House(user, {
      connect: (listener) => connect(listener, () => this.#admit(user)),
      storage,
      kept,
      tabs,
      doubtSession: () => void this.#admit(user).catch(ignoreNoAnswer),
      writes: () => storage.get(LEAVING) === String(user.id) && storage.remove(LEAVING),
    });
    await house.recall(this.route.room);
    if (moves !== this.#moves) return;
    this.#stop();
    this.#certain = certain;
    this.sessionEnded = false;
    this.leftBehind = false;
    storage.set(KNOWN, "1");
    this.#inherit(house);
    this.#stop = house.start();
    this.place = { is: "inside", house, user, admin };
    if (certain) tabs.tell({ is: "entered", user: user.id });
  }

  /** From now on it is they who are here on this device. */
  async #takePlace({ user, admin }: Who) {
    const { storage, kept } = this.around;
    const leaving = storage.get(LEAVING);
    if (leaving === String(user.id)) storage.remove(LEAVING);
    else if (leaving !== null) await this.#forget(Number(leaving));
    // After the server's data were put back, a number can be another person's.
    const name = storage.get(nameKey(user.id)) ?? user.name;
    if (name !== user.name) forgetTraces(storage, user.id);
    storage.set(nameKey(user.id), user.name);
    if (await (await kept).enter(user, admin)) storage.remove(UNTOLD);
    else storage.set(UNTOLD, "1");
  }

  /** What only the house before this one had goes over to it, if it is the same person's. */
  #inherit(house: House) {
    const before = this.place.is === "inside" ? this.place.house : this.#left;
    this.#left = null;
    if (!before) return;
    const { unkept } = before.outbox;
    if (areSame(before.me, house.me)) house.outbox.takeOver(unkept);
    else if (unkept.length > 0) this.dropped = { author: before.me, count: unkept.length };
  }

  /** Whether the session is still this person's. If it is another's by now, or nobody's, the page follows. */
  async #admit(user: User): Promise<boolean> {
    if (this.#loggingOut) return false;
    const certain = this.#certain;
    this.#certain = false;
    if (certain) return true;
    const { storage } = this.around;
    const leaving = storage.get(LEAVING);
    const answer = await whoAmI();
    if (answer === "no answer") throw new NoAnswer();
    // They may have gone while the answer was on its way, or be about to.
    if (this.place.is !== "inside" || this.place.user !== user || this.#loggingOut) return false;
    if (answer === "nobody") await this.#sessionOver(user);
    else if (!areSame(answer.user, user)) await this.#enter(answer, true);
    else {
      // The server has not heard of it, unless they said so only after it was asked.
      if (leaving !== null) storage.remove(LEAVING);
      if ((await this.around.kept).hasTold) storage.remove(UNTOLD);
      return true;
    }
    return false;
  }

  /** Nobody has the session any more. Perhaps they logged out, and the answer to that was lost. */
  async #sessionOver(user: User) {
    const { storage, kept } = this.around;
    if (storage.get(LEAVING) === String(user.id)) return this.#loggedOut(user);
    this.#toDoor();
    this.sessionEnded = true;
    if (!(await (await kept).sessionEnded(user.id))) storage.set(UNTOLD, "1");
  }

  #toDoor() {
    this.#moves += 1;
    this.#stop();
    this.#stop = () => undefined;
    if (this.place.is === "inside") this.#left = this.place.house;
    this.firstAdministrator = false;
    this.dropped = null;
    this.place = { is: "door" };
  }

  async #hear(word: Word) {
    if (word.is === "left") await this.#hearLeft(word.user);
    if (word.is === "entered") await this.#hearEntered(word.user);
  }

  async #hearLeft(user: number) {
    const { place } = this;
    if (place.is === "inside" && place.user.id === user) this.#toDoor();
    else if (place.is === "door") this.sessionEnded = false;
    if (this.#left?.me.id === user) this.#left = null;
    // The other tab may not be able to delete what they leave, or be closed before. Where nothing is left to be deleted,
    // this one was frozen, and they may have come back meanwhile.
    if (this.around.storage.get(LEAVING) === String(user)) await this.#pickOut(user);
  }

  async #hearEntered(user: number) {
    const { place } = this;
    if (place.is === "door") await this.arrive();
    else if (place.is === "inside" && place.user.id !== user)
      await this.#admit(place.user).catch(ignoreNoAnswer);
  }
}

async function whoAmI(): Promise<Who | "nobody" | "no answer"> {
  try {
    return await api.me();
  } catch (thrown) {
    return isNotLoggedIn(thrown) ? "nobody" : "no answer";
  }
}

function isNotLoggedIn(thrown: unknown): boolean {
  return thrown instanceof Refusal && thrown.code === "not_logged_in";
}

/** What a person leaves on the device besides what is kept in the database. */
function forgetTraces(storage: Storage, user: number) {
  new Reads(storage, user).forget();
  new Drafts(storage, user).forget();
  storage.remove(nameKey(user));
}

/** Where it stands whose the drafts and the reads of a number are. */
function nameKey(user: number): string {
  return `parlor.name.${user}`;
}

async function noAnswer(afterMs: number): Promise<"no answer"> {
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  return "no answer";
}

/** After the server's data were put back, a number can be another person's. */
function areSame(one: User, other: User): boolean {
  return one.id === other.id && one.name === other.name;
}

function asWho({ id, name, admin }: Person): Who {
  return { user: { id, name }, admin };
}

function ignoreNoAnswer(thrown: unknown) {
  if (!(thrown instanceof NoAnswer)) throw thrown;
}
