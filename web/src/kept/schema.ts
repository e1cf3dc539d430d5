/** The page's database, store by store, and how it is opened. A browser keeps one for each server, since it keeps one for each origin. */
import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { Message, Room } from "../wire";

/** Raised with every change of what follows; `upgrade` knows the way from each earlier one. */
const VERSION = 1;

/** The page must come up without its database too: an older page that is frozen in another tab may not let go of it. */
const OPEN_MS = 2_000;

/** Somebody who has been inside on this device and has not logged out here since. */
export interface Person {
  id: number;
  name: string;
  admin: boolean;
  /** Whether it is they whose session the browser has. Who is not here has an outbox, and nothing else. */
  here: boolean;
}

/** A message that is not known to be in the log. */
export interface Unsent {
  room: string;
  client_id: string;
  body: string;
  /** When it was written, by this device's clock. */
  at: number;
  state: "waiting" | "failed";
  /** Why it failed, for people and as the server's code. */
  why: string | null;
  code: string | null;
}

/** The list of rooms as it was told last. */
export interface RoomList {
  rooms: Room[];
  /** How many there were on the server. */
  total: number;
}

/** The end of a room's log as it was received: without gaps, up to the cursor. */
export interface Run {
  room: string;
  name: string;
  epoch: number;
  cursor: number;
  messages: Message[];
  /** When it was kept, by this device's clock. */
  at: number;
}

export interface Schema extends DBSchema {
  people: { key: number; value: Person };
  /** The key is the order of writing. */
  outbox: { key: number; value: Unsent & { user: number }; indexes: { user: number } };
  rooms: { key: number; value: RoomList & { user: number } };
  runs: { key: [number, string]; value: Run & { user: number }; indexes: { age: [number, number] } };
}

export type Database = IDBPDatabase<Schema>;

/** Rejects if there is none to be had: storage is forbidden, a newer page has it, or an older one does not let go. */
export async function openDatabase(): Promise<Database> {
  const opening = openDB<Schema>("parlor", VERSION, {
    upgrade(db, from) {
      if (from < 1) {
        db.createObjectStore("people", { keyPath: "id" });
        db.createObjectStore("outbox", { autoIncrement: true }).createIndex("user", "user");
        db.createObjectStore("rooms", { keyPath: "user" });
        db.createObjectStore("runs", { keyPath: ["user", "room"] }).createIndex("age", ["user", "at"]);
      }
    },
    // A newer page in another tab waits for it. What is written here from now on is not kept, and the page says so.
    blocking: (_from, _to, event) => (event.target as IDBDatabase).close(),
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the database does not open")), OPEN_MS);
  });
  try {
    return await Promise.race([opening, late]);
  } catch (thrown) {
    void opening.then(
      (db) => db.close(),
      () => undefined,
    );
    throw thrown;
  } finally {
    clearTimeout(timer);
  }
}
