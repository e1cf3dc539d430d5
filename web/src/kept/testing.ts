/** A database for each test, in memory and without a browser. */
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";

/** Forgets everything that was kept. */
export function newDevice() {
  globalThis.indexedDB = new IDBFactory();
}

/** Lets everything run that waits for nothing but its turn, and for the database. */
export async function idle() {
  for (let turn = 0; turn < 30; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
