import { forceCloseDatabase } from "fake-indexeddb";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { alice, bob, messages, ROOM } from "../state/testing";
import { Kept, MOST_RUNS, type Run, type Unsent } from "./kept";
import { idle, newDevice, roomForOne } from "./testing";

let kept: Kept;

beforeEach(async () => {
  newDevice();
  kept = await Kept.open();
  await kept.enter(alice, true);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

function unsent(body: string): Unsent {
  return { room: ROOM, client_id: `of ${body}`, body, at: 1, state: "waiting", why: null, code: null };
}

/** Puts a message at the end, perhaps from where it stood. */
function put(body: string, { former = null as number | null, by = kept, user = alice.id } = {}) {
  return by.putUnsent(user, { message: unsent(body), former });
}

function run(to: number, over: Partial<Run> = {}): Run {
  return { room: ROOM, name: "Kitchen", epoch: 1, cursor: to, messages: messages(1, to), at: to, ...over };
}

const bodies = async (user = alice.id) =>
  [...((await kept.unsent(user)) ?? new Map<number, Unsent>()).values()].map((message) => message.body);

describe("who is here", () => {
  test("is who was let in last", async () => {
    expect(await kept.whoIsHere()).toMatchObject({ ...alice, admin: true, here: true });
    await kept.enter(bob, false);
    expect((await kept.whoIsHere())?.name).toBe("bob");
  });

  test("is nobody once they have logged out, and nothing of theirs is left", async () => {
    await put("one");
    await kept.keepRun(alice.id, run(3));
    await kept.keepRooms(alice.id, { rooms: [], total: 0 });
    await kept.forget(alice.id);
    expect(await kept.whoIsHere()).toBeNull();
    await kept.enter(alice, true);
    expect(await bodies()).toEqual([]);
    expect(await kept.run(alice.id, ROOM)).toBeNull();
    expect(await kept.rooms(alice.id)).toBeNull();
  });

  test("is nobody when a session has merely ended, and what they wrote waits for them", async () => {
    await put("one");
    await kept.keepRun(alice.id, run(3));
    await kept.sessionEnded(alice.id);
    expect(await kept.whoIsHere()).toBeNull();
    expect(await kept.run(alice.id, ROOM)).toBeNull();
    await kept.enter(alice, true);
    expect(await bodies()).toEqual(["one"]);
  });

  test("does not get what was written under their number by somebody whom the server has forgotten", async () => {
    await put("one");
    await kept.enter({ id: alice.id, name: "carol" }, false);
    expect(await bodies()).toEqual([]);
  });
});

test("what an earlier version of the page kept is there", async () => {
  newDevice();
  const request = indexedDB.open("parlor", 1);
  request.onupgradeneeded = () => {
    const db = request.result;
    db.createObjectStore("people", { keyPath: "id" }).add({ ...alice, admin: true, here: true });
    const outbox = db.createObjectStore("outbox", { autoIncrement: true });
    outbox.createIndex("user", "user");
    outbox.add({ ...unsent("one"), user: alice.id });
    db.createObjectStore("rooms", { keyPath: "user" });
    db.createObjectStore("runs", { keyPath: ["user", "room"] }).createIndex("age", ["user", "at"]);
  };
  await new Promise((resolve) => (request.onsuccess = resolve));
  request.result.close();
  kept = await Kept.open();
  const here = await kept.whoIsHere();
  expect(here).toEqual({ ...alice, admin: true, here: true, stay: expect.any(String) as string });
  await kept.enter(alice, true);
  expect(await kept.whoIsHere()).toEqual(here);
  expect(await bodies()).toEqual(["one"]);
});

describe("the outbox", () => {
  test("is in the order of writing, and what is moved goes to its end", async () => {
    for (const body of ["one", "two", "three"]) await put(body);
    expect(await put("one again", { former: 1 })).toEqual([4]);
    expect(await bodies()).toEqual(["two", "three", "one again"]);
  });

  test("takes several messages in their order, all or none of them", async () => {
    await put("two");
    const late = [
      { message: unsent("one"), former: null },
      { message: unsent("two"), former: 1 },
    ];
    roomForOne();
    expect(await kept.putUnsent(alice.id, ...late)).toBeNull();
    expect(await bodies()).toEqual(["two"]);
    vi.restoreAllMocks();
    expect(await kept.putUnsent(alice.id, ...late)).toEqual([2, 3]);
    expect(await bodies()).toEqual(["one", "two"]);
  });

  test("is written to the disk before it is said to be kept", async () => {
    const transaction = vi.spyOn(IDBDatabase.prototype, "transaction");
    await put("one");
    expect(transaction).toHaveBeenCalledWith(["people", "outbox"], "readwrite", { durability: "strict" });
  });

  test("asks the browser once not to delete it, and does not wait for what it says", async () => {
    const persist = vi.fn(() => new Promise(() => undefined));
    vi.stubGlobal("navigator", { storage: { persist } });
    for (const body of ["one", "two"]) await put(body);
    kept = await Kept.open();
    await put("three");
    expect(persist).toHaveBeenCalledOnce();
    expect(await bodies()).toEqual(["one", "two", "three"]);
  });

  test("is there also where the browser cannot be asked that", async () => {
    vi.stubGlobal("navigator", {});
    expect(await put("one")).not.toBeNull();
    vi.stubGlobal("navigator", { storage: { persist: () => Promise.reject(new TypeError("No.")) } });
    expect(await put("two")).not.toBeNull();
  });

  test("moves a message once, if two tabs want to", async () => {
    await put("one");
    await put("one again", { former: 1 });
    expect(await put("one again", { former: 1 })).toEqual(["gone"]);
    expect(await bodies()).toEqual(["one again"]);
  });

  test("takes nothing of somebody who has logged out in another tab", async () => {
    await kept.forget(alice.id);
    expect(await put("late")).toBeNull();
    await kept.enter(alice, true);
    expect(await bodies()).toEqual([]);
  });

  test("gets the room of what can be fetched again when storage is full", async () => {
    await kept.keepRun(alice.id, run(3));
    vi.spyOn(IDBObjectStore.prototype, "add").mockImplementationOnce(() => {
      throw new DOMException("No room.", "QuotaExceededError");
    });
    expect(await put("one")).not.toBeNull();
    expect(await kept.run(alice.id, ROOM)).toBeNull();
    expect(await bodies()).toEqual(["one"]);
  });

  test("says that it has not kept a message for which there is no room at all", async () => {
    vi.spyOn(IDBObjectStore.prototype, "add").mockImplementation(() => {
      throw new DOMException("No room.", "QuotaExceededError");
    });
    expect(await put("one")).toBeNull();
    vi.restoreAllMocks();
    expect(await put("two")).not.toBeNull();
    expect(await bodies()).toEqual(["two"]);
  });
});

describe("what was read", () => {
  test("is not replaced by what a tab that is behind has of it", async () => {
    await kept.keepRun(alice.id, run(5));
    await kept.keepRun(alice.id, run(3));
    expect((await kept.run(alice.id, ROOM))?.cursor).toBe(5);
    await kept.keepRun(alice.id, run(2, { epoch: 2 }));
    expect((await kept.run(alice.id, ROOM))?.cursor).toBe(2);
  });

  test("is kept of so many rooms and no more; the one kept longest ago goes", async () => {
    for (let at = 0; at <= MOST_RUNS; at += 1)
      await kept.keepRun(alice.id, run(1, { room: `room ${at}`, at }));
    expect(await kept.run(alice.id, "room 0")).toBeNull();
    expect(await kept.run(alice.id, "room 1")).not.toBeNull();
    expect(await kept.run(alice.id, `room ${MOST_RUNS}`)).not.toBeNull();
  });

  test("is not kept of who is not here any more", async () => {
    await kept.enter(bob, false);
    await kept.keepRun(alice.id, run(3));
    await kept.keepRooms(alice.id, { rooms: [], total: 0 });
    expect(await kept.run(alice.id, ROOM)).toBeNull();
    expect(await kept.rooms(alice.id)).toBeNull();
  });
});

describe("without storage", () => {
  test("nothing is kept, and nothing breaks", async () => {
    vi.spyOn(indexedDB, "open").mockImplementation(() => {
      throw new DOMException("Not here.", "SecurityError");
    });
    const none = await Kept.open();
    expect(none.works).toBe(false);
    await none.enter(alice, true);
    expect(await none.whoIsHere()).toBeNull();
    expect(await put("one", { by: none })).toBeNull();
    expect(await none.unsent(alice.id)).toBeNull();
  });

  test("the page does not wait for ever for a database that does not open", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    vi.spyOn(indexedDB, "open").mockReturnValue(new EventTarget() as IDBOpenDBRequest);
    const opening = Kept.open();
    await vi.advanceTimersByTimeAsync(10_000);
    expect((await opening).works).toBe(false);
  });

  test("it is looked for again, and what was to be kept of who is here is kept then", async () => {
    const open = vi.spyOn(indexedDB, "open").mockImplementation(() => {
      throw new DOMException("Not now.", "UnknownError");
    });
    kept = await Kept.open();
    await kept.enter(bob, false);
    open.mockRestore();
    expect((await kept.whoIsHere())?.name).toBe("bob");
    expect(await put("one", { user: bob.id })).not.toBeNull();
  });

  test("a database that comes late is taken", async () => {
    const request = indexedDB.open("parlor");
    await new Promise((resolve) => (request.onsuccess = resolve));
    // It waits for a tab that is frozen, and whoever opens it waits behind.
    indexedDB.deleteDatabase("parlor");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const opening = Kept.open();
    await vi.advanceTimersByTimeAsync(10_000);
    kept = await opening;
    expect(kept.works).toBe(false);
    await kept.enter(alice, true);
    const opened = vi.fn();
    kept.whenLate(opened);
    request.result.close();
    await idle();
    expect([kept.works, opened.mock.calls.length]).toEqual([true, 1]);
    expect(await put("one")).not.toBeNull();
  });

  test("an older page lets a newer one have the database, and keeps nothing from then on", async () => {
    const request = indexedDB.open("parlor", 1_000);
    await new Promise((resolve) => (request.onsuccess = resolve));
    expect(await put("one")).toBeNull();
    request.result.close();
    expect((await Kept.open()).works).toBe(false);
  });
});

describe("a connection to the database", () => {
  /** The one that is in use. */
  async function connection(): Promise<IDBDatabase> {
    const transaction = vi.spyOn(IDBDatabase.prototype, "transaction");
    await kept.whoIsHere();
    const [db] = transaction.mock.contexts;
    transaction.mockRestore();
    return db as IDBDatabase;
  }

  const broken = () => {
    throw new DOMException("The disk does not answer.", "UnknownError");
  };

  test("that the browser has ended is replaced", async () => {
    forceCloseDatabase((await connection()) as never);
    await idle();
    expect(kept.works).toBe(false);
    expect(await put("one")).not.toBeNull();
    expect([kept.works, await bodies()]).toEqual([true, ["one"]]);
  });

  test("that has ended without a word is replaced", async () => {
    (await connection()).close();
    expect(await put("one")).not.toBeNull();
    expect(await bodies()).toEqual(["one"]);
  });

  test("to a database that was made anew is none, until somebody is let in there", async () => {
    await put("one");
    await new Promise((resolve) => (indexedDB.deleteDatabase("parlor").onsuccess = resolve));
    const other = await Kept.open();
    await other.enter(alice, true);
    await put("two", { by: other });
    // Nobody knows by that that the first has been sent, and its place is the other's.
    expect(await kept.unsent(alice.id)).toBeNull();
    expect(await kept.removeUnsent(1)).toBe(false);
    expect(await put("three")).toBeNull();
    await kept.enter(alice, true);
    expect(await bodies()).toEqual(["two"]);
  });

  test("that breaks keeps nothing for the moment; what may have been done is not done again", async () => {
    const transaction = vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementationOnce(broken);
    expect(await put("one")).toBeNull();
    expect(transaction).toHaveBeenCalledOnce();
    expect(await put("two")).not.toBeNull();
    expect(await bodies()).toEqual(["two"]);
  });

  test("that breaks while somebody logs out does not save what they leave", async () => {
    await put("one");
    vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementationOnce(broken);
    expect(await kept.forget(alice.id)).toBe(true);
    expect([await kept.whoIsHere(), await bodies()]).toEqual([null, []]);
  });

  test("that breaks for good can still be deleted with all that is behind it", async () => {
    await put("one");
    const transaction = vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementation(broken);
    expect(await kept.forget(alice.id)).toBe(false);
    expect(await kept.forgetEverything()).toBe(true);
    transaction.mockRestore();
    expect([await kept.whoIsHere(), await bodies()]).toEqual([null, []]);
    await kept.enter(bob, false);
    expect(await put("two", { user: bob.id })).not.toBeNull();
  });

  test("that nobody lets go of is not said to be deleted, and not waited for", async () => {
    const request = indexedDB.open("parlor");
    await new Promise((resolve) => (request.onsuccess = resolve));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const forgotten = kept.forgetEverything();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await forgotten).toBe(false);
  });
});
