// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import * as api from "../api";
import { Kept, type Unsent } from "../kept/kept";
import { idle, newDevice } from "../kept/testing";
import { NoAnswer, Refusal } from "../refusal";
import type { LinkListener } from "../socket";
import type { User } from "../wire";
import { App } from "./app.svelte";
import { alice, bob, FakeLink, FakeTabs, memory, ROOM } from "./testing";

vi.mock("../api");

/** A page, and what it has to do with the world. */
interface Page {
  app: App;
  listener: LinkListener | null;
  /** Asks as a connection does before it is made. */
  admit: () => Promise<boolean>;
  stop: () => void;
}

let tabs: FakeTabs;
let storage = memory();
let pages: Page[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
  newDevice();
  tabs = new FakeTabs();
  storage = memory();
  pages = [];
});

afterEach(() => {
  for (const page of pages) page.stop();
  vi.useRealTimers();
  vi.resetAllMocks();
});

async function open(): Promise<Page> {
  const page: Page = {
    app: undefined as never,
    listener: null,
    admit: async () => false,
    stop: () => undefined,
  };
  page.app = new App({
    storage,
    kept: Kept.open(),
    tabs: tabs.open(),
    connect: (listener, admit) => {
      Object.assign(page, { listener, admit });
      return new FakeLink();
    },
  });
  page.stop = page.app.start();
  pages.push(page);
  await idle();
  return page;
}

function serverSays(who: User | "nobody" | "no answer") {
  if (who === "no answer") vi.mocked(api.me).mockRejectedValue(new NoAnswer());
  else if (who === "nobody")
    vi.mocked(api.me).mockRejectedValue(new Refusal({ code: "not_logged_in", message: "Log in." }));
  else
    vi.mocked(api.me).mockResolvedValue({ user: who, admin: false, session: {} as api.Account["session"] });
}

const where = ({ app: { place } }: Page) => (place.is === "inside" ? place.user.name : place.is);
const write = (page: Page, body: string) =>
  page.app.place.is === "inside" && page.app.place.house.outbox.post(ROOM, body);
const written = (page: Page) =>
  page.app.place.is === "inside" && page.app.place.house.outbox.pending.map(({ body }) => body);

/** What is on the device of somebody, whoever is at the page. */
async function left(user: User): Promise<string[]> {
  const unsent = (await (await Kept.open()).unsent(user.id)) ?? new Map<number, Unsent>();
  return [...unsent.values()].map(({ body }) => body);
}

describe("arriving", () => {
  test("without having been here, one needs the server", async () => {
    serverSays("no answer");
    const page = await open();
    expect(where(page)).toBe("unreachable");
    serverSays("nobody");
    await page.app.arrive();
    expect(where(page)).toBe("door");
  });

  test("who was here last is in again without it, also if it merely takes its time", async () => {
    serverSays(alice);
    (await open()).stop();
    serverSays("no answer");
    expect(where(await open())).toBe("alice");
    vi.mocked(api.me).mockReturnValue(new Promise(() => undefined));
    const page = await open();
    expect(where(page)).toBe("arriving");
    await vi.advanceTimersByTimeAsync(200);
    await idle();
    expect(where(page)).toBe("alice");
  });

  test("whose session has ended is at the door, and never sees what is kept", async () => {
    serverSays(alice);
    const before = await open();
    await write(before, "one");
    before.stop();
    serverSays("nobody");
    const page = await open();
    expect([where(page), page.app.sessionEnded]).toEqual(["door", true]);
    serverSays("no answer");
    expect(where(await open())).toBe("unreachable");
    expect(await left(alice)).toEqual(["one"]);
  });

  test("what one wrote is there when one logs in again, and is nobody else's", async () => {
    serverSays(alice);
    await write(await open(), "one");
    serverSays("nobody");
    const page = await open();
    vi.mocked(api.logIn).mockResolvedValueOnce({ user: bob, admin: false } as api.Account);
    await page.app.logIn("bob", "…");
    expect([where(page), written(page)]).toEqual(["bob", []]);
    vi.mocked(api.logIn).mockResolvedValueOnce({ user: alice, admin: false } as api.Account);
    await page.app.logIn("alice", "…");
    expect(written(page)).toEqual(["one"]);
  });
});

test("who has somebody else's number finds nothing of what they typed and read", async () => {
  const draft = (user: User) => `parlor.draft.${user.id}.${ROOM}`;
  const read = `parlor.read.${alice.id}`;
  serverSays(alice);
  (await open()).stop();
  storage.set(draft(alice), "half a sen");
  storage.set(draft(bob), "of bob");
  storage.set(read, "{}");
  (await open()).stop();
  expect(storage.get(draft(alice))).toBe("half a sen");
  serverSays({ id: alice.id, name: "carol" });
  expect(where(await open())).toBe("carol");
  expect([storage.get(draft(alice)), storage.get(read), storage.get(draft(bob))]).toEqual([
    null,
    null,
    "of bob",
  ]);
});

describe("before each connection", () => {
  test("the server is asked whose session it is, once it may have changed", async () => {
    serverSays(alice);
    const page = await open();
    expect(await page.admit()).toBe(true);
    expect(api.me).toHaveBeenCalledTimes(1);
    expect(await page.admit()).toBe(true);
    expect(api.me).toHaveBeenCalledTimes(2);
    serverSays("no answer");
    await expect(page.admit()).rejects.toThrow(NoAnswer);
    expect(where(page)).toBe("alice");
  });

  test("who was only remembered is not taken at their word", async () => {
    serverSays(alice);
    (await open()).stop();
    serverSays("no answer");
    const page = await open();
    serverSays("nobody");
    expect(await page.admit()).toBe(false);
    expect([where(page), page.app.sessionEnded]).toEqual(["door", true]);
  });

  test("a session that is another's by now makes it another's page", async () => {
    serverSays(alice);
    const page = await open();
    await write(page, "of alice");
    await page.admit();
    serverSays(bob);
    expect(await page.admit()).toBe(false);
    expect([where(page), written(page)]).toEqual(["bob", []]);
    expect(await left(alice)).toEqual(["of alice"]);
  });
});

describe("logging out", () => {
  test("leaves nothing on the device, in any tab", async () => {
    serverSays(alice);
    const page = await open();
    const other = await open();
    await write(page, "one");
    storage.set(`parlor.draft.${alice.id}.${ROOM}`, "half a sen");
    storage.set(`parlor.draft.${bob.id}.${ROOM}`, "of bob");
    await page.app.logOut();
    await idle();
    expect([where(page), where(other), other.app.sessionEnded]).toEqual(["door", "door", false]);
    expect(await left(alice)).toEqual([]);
    expect(storage.get(`parlor.draft.${alice.id}.${ROOM}`)).toBeNull();
    expect(storage.get(`parlor.draft.${bob.id}.${ROOM}`)).toBe("of bob");
    serverSays("no answer");
    expect(where(await open())).toBe("unreachable");
  });

  test("is not mistaken for a session that was ended by somebody else", async () => {
    serverSays(alice);
    const page = await open();
    await page.admit();
    vi.mocked(api.logOut).mockImplementation(async () => {
      serverSays("nobody");
      page.listener?.lost("refused");
      await idle();
      return undefined;
    });
    await page.app.logOut();
    await idle();
    expect([where(page), page.app.sessionEnded]).toEqual(["door", false]);
  });

  test("that the server does not hear of has not happened", async () => {
    serverSays(alice);
    const page = await open();
    await write(page, "one");
    vi.mocked(api.logOut).mockRejectedValue(new NoAnswer());
    await expect(page.app.logOut()).rejects.toThrow(NoAnswer);
    expect([where(page), written(page)]).toEqual(["alice", ["one"]]);
    expect([await page.admit(), await page.admit()]).toEqual([true, true]);
    // Much later their session ends in some other way.
    serverSays("nobody");
    await page.admit();
    expect([where(page), page.app.sessionEnded, await left(alice)]).toEqual(["door", true, ["one"]]);
  });

  test("is asked of the server once, however often it is clicked", async () => {
    serverSays(alice);
    const page = await open();
    let answer: (ended: undefined) => void = () => undefined;
    vi.mocked(api.logOut).mockReturnValue(new Promise((resolve) => (answer = resolve)));
    const clicks = [page.app.logOut(), page.app.logOut()];
    answer(undefined);
    await Promise.all(clicks);
    expect(api.logOut).toHaveBeenCalledOnce();
    expect(where(page)).toBe("door");
  });

  test("of which only the answer was lost leaves nothing on the device either", async () => {
    serverSays(alice);
    const page = await open();
    await page.admit();
    await write(page, "one");
    storage.set(`parlor.draft.${alice.id}.${ROOM}`, "half a sen");
    vi.mocked(api.logOut).mockRejectedValue(new NoAnswer());
    await expect(page.app.logOut()).rejects.toThrow(NoAnswer);
    serverSays("nobody");
    expect(await page.admit()).toBe(false);
    expect([where(page), page.app.sessionEnded, await left(alice)]).toEqual(["door", false, []]);
    expect(storage.get(`parlor.draft.${alice.id}.${ROOM}`)).toBeNull();
  });

  test("of which only the answer was lost is still wanted when the page is opened again", async () => {
    serverSays(alice);
    const page = await open();
    await write(page, "one");
    vi.mocked(api.logOut).mockRejectedValue(new NoAnswer());
    await expect(page.app.logOut()).rejects.toThrow(NoAnswer);
    page.stop();
    serverSays("nobody");
    const again = await open();
    await idle();
    expect([where(again), again.app.sessionEnded, await left(alice)]).toEqual(["door", false, []]);
  });

  test("of which nothing is known is called off by who goes on writing", async () => {
    serverSays(alice);
    const page = await open();
    await page.admit();
    vi.mocked(api.logOut).mockRejectedValue(new NoAnswer());
    await expect(page.app.logOut()).rejects.toThrow(NoAnswer);
    const { place } = page.app;
    if (place.is !== "inside") throw new Error("nobody is inside");
    await place.house.open(ROOM);
    await place.house.post("one");
    serverSays("nobody");
    await page.admit();
    expect([where(page), page.app.sessionEnded, await left(alice)]).toEqual(["door", true, ["one"]]);
  });

  test("is not called off by an answer from before it", async () => {
    serverSays(alice);
    const page = await open();
    await page.admit();
    await write(page, "one");
    let answer: (account: api.Account) => void = () => undefined;
    vi.mocked(api.me).mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    const admitted = page.admit();
    vi.mocked(api.logOut).mockRejectedValue(new NoAnswer());
    await expect(page.app.logOut()).rejects.toThrow(NoAnswer);
    answer({ user: alice, admin: false } as api.Account);
    await admitted;
    serverSays("nobody");
    await page.admit();
    expect([where(page), await left(alice)]).toEqual(["door", []]);
  });

  test("of a session that has ended already is one as well", async () => {
    serverSays(alice);
    const page = await open();
    await write(page, "one");
    vi.mocked(api.logOut).mockRejectedValue(new Refusal({ code: "not_logged_in", message: "Log in." }));
    await page.app.logOut();
    expect([where(page), page.app.sessionEnded, await left(alice)]).toEqual(["door", false, []]);
  });
});

describe("with a database that is broken", () => {
  const broken = () => {
    throw new DOMException("The disk does not answer.", "UnknownError");
  };

  /** Until the returned function is called. */
  function breakDatabase(): () => void {
    const spies = [
      vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementation(broken),
      vi.spyOn(indexedDB, "open").mockImplementation(broken),
      vi.spyOn(indexedDB, "deleteDatabase").mockImplementation(broken),
    ];
    return () => {
      for (const spy of spies) spy.mockRestore();
    };
  }

  test("who logs out is told that something may be left, and it is deleted as soon as it can be", async () => {
    serverSays(alice);
    const page = await open();
    await write(page, "one");
    const repair = breakDatabase();
    await page.app.logOut();
    expect([where(page), page.app.leftBehind]).toEqual(["door", true]);
    page.stop();
    repair();
    expect(await left(alice)).toEqual(["one"]);
    serverSays("nobody");
    const again = await open();
    await idle();
    expect([where(again), again.app.leftBehind, again.app.sessionEnded]).toEqual(["door", false, false]);
    expect(await left(alice)).toEqual([]);
  });

  test("what is left is deleted also if another person comes in first", async () => {
    serverSays(alice);
    const page = await open();
    await write(page, "one");
    const repair = breakDatabase();
    await page.app.logOut();
    page.stop();
    repair();
    serverSays(bob);
    expect([where(await open()), await left(alice)]).toEqual(["bob", []]);
  });

  test("who comes in takes the place of who was here, whether that can be kept or not", async () => {
    serverSays(alice);
    (await open()).stop();
    const repair = breakDatabase();
    serverSays(bob);
    (await open()).stop();
    repair();
    serverSays("no answer");
    expect(where(await open())).toBe("unreachable");
  });

  test("who was here is found as soon as it works again", async () => {
    serverSays(alice);
    (await open()).stop();
    const repair = breakDatabase();
    serverSays("no answer");
    const page = await open();
    expect(where(page)).toBe("unreachable");
    repair();
    void page.app.arrive();
    await idle();
    await vi.advanceTimersByTimeAsync(200);
    await idle();
    expect(where(page)).toBe("alice");
  });
});

describe("what nothing but the page's memory holds", () => {
  /** Alice's session ends after she has written something that could not be kept. */
  async function atTheDoor(): Promise<Page> {
    serverSays(alice);
    const page = await open();
    await page.admit();
    await write(page, "one");
    const full = vi.spyOn(Kept.prototype, "putUnsent").mockResolvedValue(null);
    await write(page, "two");
    await write(page, "three");
    serverSays("nobody");
    await page.admit();
    await idle();
    full.mockRestore();
    return page;
  }

  async function logIn(page: Page, user: User) {
    vi.mocked(api.logIn).mockResolvedValueOnce({ user, admin: false } as api.Account);
    await page.app.logIn(user.name, "…");
  }

  test("waits for its author when their session has ended, in its place", async () => {
    const page = await atTheDoor();
    expect([where(page), page.app.wouldLose]).toEqual(["door", true]);
    await logIn(page, alice);
    expect(written(page)).toEqual(["one", "two", "three"]);
    expect([page.app.wouldLose, page.app.dropped]).toEqual([false, null]);
  });

  test("is dropped when somebody else comes in, who is told", async () => {
    const page = await atTheDoor();
    await logIn(page, bob);
    expect([where(page), written(page)]).toEqual(["bob", []]);
    expect(page.app.dropped).toEqual({ author: alice, count: 2 });
    serverSays(alice);
    await page.admit();
    await page.admit();
    expect([where(page), written(page)]).toEqual(["alice", ["one"]]);
  });

  test("is dropped when another's session takes the place of its author's", async () => {
    serverSays(alice);
    const page = await open();
    await page.admit();
    vi.spyOn(Kept.prototype, "putUnsent").mockResolvedValueOnce(null);
    await write(page, "one");
    serverSays(bob);
    await page.admit();
    expect([where(page), page.app.dropped]).toEqual(["bob", { author: alice, count: 1 }]);
  });

  test("goes when its author logs out, in this tab or in another", async () => {
    const page = await atTheDoor();
    tabs.open().tell({ is: "left", user: alice.id });
    await idle();
    expect(page.app.wouldLose).toBe(false);
    await logIn(page, alice);
    vi.spyOn(Kept.prototype, "putUnsent").mockResolvedValueOnce(null);
    await write(page, "one");
    await page.app.logOut();
    expect(page.app.wouldLose).toBe(false);
    await logIn(page, bob);
    expect(page.app.dropped).toBeNull();
  });
});

describe("another tab", () => {
  test("deletes what was left, if the one in which they log out cannot", async () => {
    serverSays(alice);
    const page = await open();
    const other = await open();
    await write(page, "one");
    vi.spyOn(Kept.prototype, "forget").mockResolvedValueOnce(false);
    vi.spyOn(Kept.prototype, "forgetEverything").mockResolvedValueOnce(false);
    await page.app.logOut();
    await idle();
    expect([where(other), await left(alice)]).toEqual(["door", []]);
  });

  test("that was frozen deletes nothing of who has come back meanwhile", async () => {
    serverSays(alice);
    const page = await open();
    const tab = tabs.open();
    await write(page, "one");
    tab.tell({ is: "left", user: alice.id });
    tab.tell({ is: "entered", user: alice.id });
    await idle();
    expect([where(page), await left(alice)]).toEqual(["alice", ["one"]]);
  });
});

test("who comes in by one tab comes in by those that stand at the door", async () => {
  serverSays("nobody");
  const page = await open();
  const other = await open();
  serverSays(alice);
  vi.mocked(api.logIn).mockResolvedValueOnce({ user: alice, admin: false } as api.Account);
  await page.app.logIn("alice", "…");
  await idle();
  expect([where(page), where(other)]).toEqual(["alice", "alice"]);
});
