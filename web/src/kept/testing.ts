/** A database for each test, in memory and without a browser. */
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { vi } from "vitest";

/** Forgets everything that was kept. */
export function newDevice() {
  globalThis.indexedDB = new IDBFactory();
}

/** Lets everything run that waits for nothing but its turn, and for the database. */
export async function idle() {
  for (let turn = 0; turn < 30; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** From now on each transaction finds that the device has room for one message and not for a second. */
export function roomForOne() {
  const add = IDBObjectStore.prototype.add;
  const begun = new WeakSet<IDBTransaction>();
  vi.spyOn(IDBObjectStore.prototype, "add").mockImplementation(function (this: IDBObjectStore, ...given) {
    if (begun.has(this.transaction)) throw new DOMException("No room.", "QuotaExceededError");
    begun.add(this.transaction);
    return add.apply(this, given);
  });
}
