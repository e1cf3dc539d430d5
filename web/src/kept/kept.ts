/**
 * What the page keeps on this device: who is here, what they have written and not got rid of, and what they have read
 * lately. Nothing else touches IndexedDB. Storage may be forbidden, full, broken, or in the hands of a newer page at any
 * time; then nothing is kept, the answers say so, and nothing throws. What is asked next looks for it again.
 */
import type { IDBPTransaction, StoreNames } from "idb";
import { uuid } from "../uuid";
import type { User } from "../wire";
import {
  deleteDatabase,
  openDatabase,
  type Database,
  type Person,
  type RoomList,
  type Run,
  type Schema,
  type Unsent,
} from "./schema";

export type { Person, RoomList, Run, Unsent } from "./schema";

/** Of how many rooms the last messages are kept for each person. The one that was kept longest ago goes first. */
export const MOST_RUNS = 20;
/** How many messages of a room are kept: what a screen shows, and some to scroll through. */
export const LONGEST_RUN = 100;

/**
 * For how long the database is waited for. The page must come up without it too: an older page that is frozen in another
 * tab may not let go of it.
 */
const WAIT_MS = 2_000;

/** What the database gives to the first message ever written on a device, and to no other. */
const FIRST_PLACE = 1;

type Name = StoreNames<Schema>;
type Change = IDBPTransaction<Schema, Name[], "readwrite">;

/** A message that belongs at the end of the outbox, and where it stood there before. */
export interface Late {
  message: Unsent;
  former: number | null;
}

const EVERYTHING: Name[] = ["people", "outbox", "rooms", "runs"];

export class Kept {
  #db: Database | null = null;
  /** The same for who waits for it; null until it is looked for again. */
  #connected: Promise<Database | null> | null;
  /** Who was let in, until that is kept. */
  #entering: { user: User; admin: boolean } | null = null;

  /** Who the page is about. Another connection must lead to where what they wrote is known to be. */
  #guest: Pick<Person, "id" | "stay"> | null = null;

  /** Told when a database opened so late that it had been taken for none. */
  #whenLate: () => void = () => undefined;

  private constructor(connected: Promise<null> | null) {
    this.#connected = connected;
  }

  static async open(): Promise<Kept> {
    const kept = new Kept(null);
    await kept.#connect();
    return kept;
  }

  /** Where storage is forbidden. */
  static nothing(): Kept {
    return new Kept(Promise.resolve(null));
  }

  /** Whether there is a place to keep anything. */
  get works(): boolean {
    return this.#db !== null;
  }

  /** Calls back when a database opens so late that the answers until then were that nothing is kept. */
  whenLate(tell: () => void) {
    this.#whenLate = tell;
  }

  /** Whether who is here now is known on the device as well. */
  get hasTold(): boolean {
    return this.#entering === null && this.#guest !== null;
  }

  // Who is here. The answers are false if that could not be kept.

  /** Who was inside when the page was last here, and neither logged out nor was found to be logged out. */
  async whoIsHere(): Promise<Person | null> {
    const people = await this.#use((db) => db.getAll("people"));
    const person = people?.find(({ here }) => here) ?? null;
    this.#guest = person;
    return person;
  }

  /** They are let in. Nobody else is here then. If that cannot be kept now, it is before anything else is. */
  async enter(user: User, admin: boolean): Promise<boolean> {
    this.#guest = null;
    this.#entering = { user, admin };
    await this.#use((db) => this.#keepWhoEntered(db));
    return this.#entering === null;
  }

  /** Their session has ended without their doing. What they wrote waits for their return. */
  async sessionEnded(user: number): Promise<boolean> {
    this.#isGone(user);
    const ended = await this.#change(EVERYTHING, async (change) => {
      const person = await change.objectStore("people").get(user);
      if (person) await change.objectStore("people").put({ ...person, here: false });
      await forgetReading(change, user);
      return true;
    });
    return ended ?? false;
  }

  /** They have logged out. Returns whether nothing of theirs is left. */
  async forget(user: number): Promise<boolean> {
    this.#isGone(user);
    const forget = async (change: Change) => {
      await change.objectStore("people").delete(user);
      await emptyOutbox(change, user);
      await forgetReading(change, user);
      return true;
    };
    // The second time with another connection, if it was that.
    return (await this.#change(EVERYTHING, forget)) ?? (await this.#change(EVERYTHING, forget)) ?? false;
  }

  #isGone(user: number) {
    if (this.#entering?.user.id === user) this.#entering = null;
    if (this.#guest?.id === user) this.#guest = null;
  }

  /** The last resort, where what is somebody's cannot be picked out. Returns whether nothing of anybody's is left. */
  async forgetEverything(): Promise<boolean> {
    if (this.#db) this.#letGo(this.#db);
    // Where storage is forbidden there is nothing to forget.
    const deleted = deleteDatabase().then(
      () => true,
      (thrown: unknown) => isCalled(thrown, "SecurityError"),
    );
    return (await inTime(deleted)) ?? false;
  }

  // What they have written. The answers are null or false if it could not be kept.

  /** All of it by its place, in the order of writing; null if it cannot be read. */
  async unsent(user: number): Promise<Map<number, Unsent> | null> {
    const found = await this.#use(async (db) => {
      const written = db.transaction("outbox").store.index("user");
      const [places, messages] = await Promise.all([written.getAllKeys(user), written.getAll(user)]);
      return places.flatMap((place, index): [number, Unsent][] => {
        const message = messages[index];
        return message ? [[place, message]] : [];
      });
    });
    return found && new Map(found);
  }

  /**
   * Puts messages at the end, one behind the other and all or none, to stay there whatever happens to this page or its
   * machine. Returns their places; "gone" for one that another tab has moved or removed meanwhile.
   */
  async putUnsent(user: number, ...late: Late[]): Promise<(number | "gone")[] | null> {
    const places = await this.#putMakingRoom(user, late);
    if (places?.includes(FIRST_PLACE)) void askToStay();
    return places;
  }

  async #putMakingRoom(user: number, late: Late[]): Promise<(number | "gone")[] | null> {
    const places = await this.#put(user, late);
    if (places !== null || !this.works) return places ?? null;
    // What can be fetched again makes room for what cannot.
    await this.#change(["runs", "rooms"], async (change) => {
      await change.objectStore("runs").clear();
      await change.objectStore("rooms").clear();
    });
    return (await this.#put(user, late)) ?? null;
  }

  /** Nothing is done, and undefined returned, for somebody who has logged out in another tab meanwhile. */
  #put(user: number, late: Late[]): Promise<(number | "gone")[] | undefined | null> {
    const put = async (change: Change) => {
      const person = await change.objectStore("people").get(user);
      const outbox = change.objectStore("outbox");
      const places: (number | "gone")[] = [];
      for (const { message, former } of late) {
        const isGone = former !== null && !(await outbox.get(former));
        if (!isGone && !person) return undefined;
        if (!isGone && former !== null) await outbox.delete(former);
        places.push(isGone ? "gone" : await outbox.add({ ...message, user }));
      }
      return places;
    };
    return this.#change(["people", "outbox"], put, "strict");
  }

  async changeUnsent(user: number, place: number, message: Unsent): Promise<boolean> {
    const changed = await this.#change(["outbox"], async (change) => {
      const outbox = change.objectStore("outbox");
      if (await outbox.get(place)) await outbox.put({ ...message, user }, place);
      return true;
    });
    return changed ?? false;
  }

  async removeUnsent(place: number): Promise<boolean> {
    const removed = await this.#change(["outbox"], async (change) => {
      await change.objectStore("outbox").delete(place);
      return true;
    });
    return removed ?? false;
  }

  // What they have read.

  async rooms(user: number): Promise<RoomList | null> {
    return (await this.#use((db) => db.get("rooms", user))) ?? null;
  }

  async keepRooms(user: number, { rooms, total }: RoomList) {
    await this.#change(["people", "rooms"], async (change) => {
      if (await isHere(change, user)) await change.objectStore("rooms").put({ user, rooms, total });
    });
  }

  async run(user: number, room: string): Promise<Run | null> {
    return (await this.#use((db) => db.get("runs", [user, room]))) ?? null;
  }

  async keepRun(user: number, run: Run) {
    await this.#change(["people", "runs"], async (change) => {
      const runs = change.objectStore("runs");
      const before = await runs.get([user, run.room]);
      // Another tab may have received more of it.
      const stale = before?.epoch === run.epoch && before.cursor > run.cursor;
      if (stale || !(await isHere(change, user))) return;
      await runs.put({ ...run, user });
      const byAge = await runs.index("age").getAllKeys(ofUser(user));
      for (const key of byAge.slice(0, -MOST_RUNS)) await runs.delete(key);
    });
  }

  /** The server has another log now. */
  async dropRun(user: number, room: string) {
    await this.#change(["runs"], (change) => change.objectStore("runs").delete([user, room]));
  }

  // The database, and what becomes of it.

  /** All of a change or nothing of it. Returns null if it was nothing. */
  #change<T>(
    stores: Name[],
    make: (change: Change) => Promise<T>,
    durability: IDBTransactionDurability = "relaxed",
  ): Promise<T | null> {
    return this.#use((db) => changeIn(db, stores, make, durability));
  }

  async #use<T>(use: (db: Database) => Promise<T>): Promise<T | null> {
    try {
      return await this.#attempt(use);
    } catch (thrown) {
      // Only where the connection had ended before is it certain that nothing was done.
      if (!isCalled(thrown, "InvalidStateError")) return null;
    }
    return this.#attempt(use).catch(() => null);
  }

  async #attempt<T>(use: (db: Database) => Promise<T>): Promise<T | null> {
    const db = await this.#connect();
    if (!db) return null;
    try {
      if (this.#entering) await this.#keepWhoEntered(db).catch(() => undefined);
      return await use(db);
    } catch (thrown) {
      if (isCalled(thrown, "InvalidStateError", "UnknownError")) this.#letGo(db);
      throw thrown;
    }
  }

  /** Resolves with null while there is no database. */
  #connect(): Promise<Database | null> {
    this.#connected ??= this.#open();
    return this.#connected;
  }

  /** One that comes late is taken as well. */
  async #open(): Promise<Database | null> {
    const opening = openDatabase()
      .then((db) => this.#opened(db))
      .catch(() => (this.#connected = null));
    const db = await inTime(opening);
    if (!db) void opening.then((late) => late && this.#whenLate());
    return db;
  }

  async #opened(db: Database): Promise<Database> {
    // It has died, or another tab deletes it or has a newer page, and waits for us to let go of it.
    for (const end of ["close", "versionchange"] as const) db.addEventListener(end, () => this.#letGo(db));
    await this.#keepWhoEntered(db).catch(() => undefined);
    if (!(await this.#knowsGuest(db))) {
      db.close();
      throw new Error("the database is another than it was");
    }
    this.#db = db;
    this.#connected = Promise.resolve(db);
    return db;
  }

  async #keepWhoEntered(db: Database) {
    const entering = this.#entering;
    if (!entering) return;
    const { user, admin } = entering;
    const guest = await changeIn(db, EVERYTHING, (change) => letIn(change, user, admin), "relaxed");
    if (this.#entering !== entering) return;
    this.#entering = null;
    this.#guest = guest;
  }

  /**
   * Whether this is the database in which the page has kept what its guest wrote. It may have been deleted and made anew:
   * then places in it are those of other messages, and what is missing there has not been sent.
   */
  async #knowsGuest(db: Database): Promise<boolean> {
    if (!this.#guest) return true;
    const { id, stay } = this.#guest;
    return (await db.get("people", id))?.stay === stay;
  }

  #letGo(db: Database) {
    db.close();
    if (this.#db !== db) return;
    this.#db = null;
    this.#connected = null;
  }
}

async function changeIn<T>(
  db: Database,
  stores: Name[],
  make: (change: Change) => Promise<T>,
  durability: IDBTransactionDurability,
): Promise<T> {
  const change = db.transaction(stores, "readwrite", { durability });
  const [made] = await Promise.all([make(change).catch((thrown) => undo(change, thrown)), change.done]);
  return made;
}

function undo(change: Change, thrown: unknown): never {
  try {
    change.abort();
  } catch {
    // It has undone itself.
  }
  throw thrown;
}

/** A browser that is short of room may otherwise delete all of this. It decides by itself, or asks whoever is there. */
async function askToStay() {
  try {
    await navigator.storage.persist();
  } catch {
    // Not every browser has it, and none on plain http.
  }
}

/** Null if it does not come in time. */
async function inTime<T>(awaited: Promise<T>): Promise<T | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), WAIT_MS)));
  try {
    return await Promise.race([awaited, late]);
  } finally {
    clearTimeout(timer);
  }
}

function isCalled(thrown: unknown, ...names: string[]): boolean {
  return thrown instanceof Error && names.includes(thrown.name);
}

async function letIn(change: Change, { id, name }: User, admin: boolean): Promise<Person> {
  const people = change.objectStore("people");
  const before = await people.get(id);
  for (const person of await people.getAll()) {
    // After the server's data were put back, a number can be another person's.
    if (person.id === id && person.name !== name) await emptyOutbox(change, id);
    if (person.id !== id || person.name !== name) await forgetReading(change, person.id);
    if (person.id !== id && person.here) await people.put({ ...person, here: false });
  }
  const stay = before?.name === name ? before.stay : uuid();
  const person = { id, name, admin, here: true, stay };
  await people.put(person);
  return person;
}

async function isHere(change: Change, user: number): Promise<boolean> {
  return (await change.objectStore("people").get(user))?.here ?? false;
}

async function emptyOutbox(change: Change, user: number) {
  const outbox = change.objectStore("outbox");
  for (const place of await outbox.index("user").getAllKeys(user)) await outbox.delete(place);
}

async function forgetReading(change: Change, user: number) {
  await change.objectStore("rooms").delete(user);
  await change.objectStore("runs").delete(ofUser(user));
}

/** All keys that begin with this person: an array is after every number and every text. */
function ofUser(user: number): IDBKeyRange {
  return IDBKeyRange.bound([user], [user, []]);
}
