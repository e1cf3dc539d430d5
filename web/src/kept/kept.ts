/**
 * What the page keeps on this device: who is here, what they have written and not got rid of, and what they have read
 * lately. Nothing else touches IndexedDB. Storage may be forbidden, full, or in the hands of a newer page at any time;
 * then nothing is kept, the answers say so, and nothing throws.
 */
import type { IDBPTransaction, StoreNames } from "idb";
import type { User } from "../wire";
import {
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

type Name = StoreNames<Schema>;
type Change = IDBPTransaction<Schema, Name[], "readwrite">;

const EVERYTHING: Name[] = ["people", "outbox", "rooms", "runs"];

export class Kept {
  private constructor(private readonly db: Database | null) {}

  static async open(): Promise<Kept> {
    return new Kept(await openDatabase().catch(() => null));
  }

  /** Where storage is forbidden. */
  static nothing(): Kept {
    return new Kept(null);
  }

  /** Whether there is a place to keep anything. */
  get works(): boolean {
    return this.db !== null;
  }

  // Who is here.

  /** Who was inside when the page was last here, and neither logged out nor was found to be logged out. */
  async whoIsHere(): Promise<Person | null> {
    const people = await this.#read((db) => db.getAll("people"));
    return people?.find((person) => person.here) ?? null;
  }

  /** They are let in. Nobody else is here then. */
  async enter({ id, name }: User, admin: boolean) {
    await this.#change(EVERYTHING, async (change) => {
      const people = change.objectStore("people");
      for (const person of await people.getAll()) {
        // After the server's data were put back, a number can be another person's.
        if (person.id === id && person.name !== name) await emptyOutbox(change, id);
        if (person.id !== id || person.name !== name) await forgetReading(change, person.id);
        if (person.id !== id && person.here) await people.put({ ...person, here: false });
      }
      await people.put({ id, name, admin, here: true });
    });
  }

  /** Their session has ended without their doing. What they wrote waits for their return. */
  async sessionEnded(user: number) {
    await this.#change(EVERYTHING, async (change) => {
      const person = await change.objectStore("people").get(user);
      if (person) await change.objectStore("people").put({ ...person, here: false });
      await forgetReading(change, user);
    });
  }

  /** They have logged out. */
  async forget(user: number) {
    await this.#change(EVERYTHING, async (change) => {
      await change.objectStore("people").delete(user);
      await emptyOutbox(change, user);
      await forgetReading(change, user);
    });
  }

  // What they have written. The answers are null or false if it could not be kept.

  /** All of it by its place, in the order of writing; null if it cannot be read. */
  async unsent(user: number): Promise<Map<number, Unsent> | null> {
    const found = await this.#read(async (db) => {
      const written = db.transaction("outbox").store.index("user");
      const [places, messages] = await Promise.all([written.getAllKeys(user), written.getAll(user)]);
      return places.flatMap((place, index): [number, Unsent][] => {
        const message = messages[index];
        return message ? [[place, message]] : [];
      });
    });
    return found && new Map(found);
  }

  /** Puts a message at the end, to stay there whatever happens to this page or its machine. Returns its place. */
  async addUnsent(user: number, message: Unsent): Promise<number | null> {
    const place = await this.#add(user, message);
    if (place !== null || !this.db) return place ?? null;
    // What can be fetched again makes room for what cannot.
    await this.#change(["runs", "rooms"], async (change) => {
      await change.objectStore("runs").clear();
      await change.objectStore("rooms").clear();
    });
    return (await this.#add(user, message)) ?? null;
  }

  /** Moves a message to the end, as it is now. It may have been moved or removed in another tab meanwhile. */
  async moveUnsent(user: number, place: number, message: Unsent): Promise<number | "gone" | null> {
    return this.#change(["outbox"], async (change): Promise<number | "gone"> => {
      const outbox = change.objectStore("outbox");
      if (!(await outbox.get(place))) return "gone";
      await outbox.delete(place);
      return outbox.add({ ...message, user });
    });
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

  /** Nothing is done, and undefined returned, for somebody who has logged out in another tab meanwhile. */
  #add(user: number, message: Unsent): Promise<number | undefined | null> {
    const add = async (change: Change) => {
      if (!(await change.objectStore("people").get(user))) return undefined;
      return change.objectStore("outbox").add({ ...message, user });
    };
    return this.#change(["people", "outbox"], add, "strict");
  }

  // What they have read.

  async rooms(user: number): Promise<RoomList | null> {
    return (await this.#read((db) => db.get("rooms", user))) ?? null;
  }

  async keepRooms(user: number, { rooms, total }: RoomList) {
    await this.#change(["people", "rooms"], async (change) => {
      if (await isHere(change, user)) await change.objectStore("rooms").put({ user, rooms, total });
    });
  }

  async run(user: number, room: string): Promise<Run | null> {
    return (await this.#read((db) => db.get("runs", [user, room]))) ?? null;
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

  async #read<T>(read: (db: Database) => Promise<T>): Promise<T | null> {
    if (!this.db) return null;
    try {
      return await read(this.db);
    } catch {
      return null;
    }
  }

  /** All of a change or nothing of it. Returns null if it was nothing. */
  async #change<T>(
    stores: Name[],
    make: (change: Change) => Promise<T>,
    durability: IDBTransactionDurability = "relaxed",
  ): Promise<T | null> {
    if (!this.db) return null;
    try {
      const change = this.db.transaction(stores, "readwrite", { durability });
      const [made] = await Promise.all([make(change).catch((thrown) => undo(change, thrown)), change.done]);
      return made;
    } catch {
      return null;
    }
  }
}

function undo(change: Change, thrown: unknown): never {
  try {
    change.abort();
  } catch {
    // It has undone itself.
  }
  throw thrown;
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
