/** The page's database, store by store, and how it is opened. A browser keeps one for each server, since it keeps one for each origin. */
import { deleteDB, openDB, type DBSchema, type IDBPDatabase } from "idb";
import { uuid } from "../uuid";
import type { Message, Room } from "../wire";

const NAME = "parlor";
/** Raised with every change of what follows; `upgrade` knows the way from each earlier one. */
const VERSION = 2;

/** Somebody who has been inside on this device and has not logged out here since. */
export interface Person {
  id: number;
  name: string;
  admin: boolean;
  /** Whether it is they whose session the browser has. Who is not here has an outbox, and nothing else. */
  here: boolean;
  /** Drawn when nothing of them is here yet. A database that was deleted and made anew does not have it. */
  stay: string;
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

/** Rejects if there is none to be had: storage is forbidden or broken, or a newer page has it. */
export async function openDatabase(): Promise<Database> {
  return openDB<Schema>(NAME, VERSION, {
    async upgrade(db, from, _to, change) {
      if (from < 1) {
        db.createObjectStore("people", { keyPath: "id" });
        db.createObjectStore("outbox", { autoIncrement: true }).createIndex("user", "user");
        db.createObjectStore("rooms", { keyPath: "user" });
        db.createObjectStore("runs", { keyPath: ["user", "room"] }).createIndex("age", ["user", "at"]);
      } else if (from < 2) {
        const people = change.objectStore("people");
        for (const person of await people.getAll()) await people.put({ ...person, stay: uuid() });
      }
    },
  });
}

/** With everything in it. All connections must have been closed; those of other tabs are, as they are told. */
export async function deleteDatabase() {
  await deleteDB(NAME);
}
