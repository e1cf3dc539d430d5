import { afterEach, beforeEach, describe, expect, test, vi, type MockInstance } from "vitest";
import { Kept } from "../kept/kept";
import { idle, newDevice, roomForOne } from "../kept/testing";
import { Outbox } from "./outbox.svelte";
import { alice, bob, FakeLink, FakeTabs, ROOM, settled, type FakeTab } from "./testing";

const OTHER = "b3f5a0a2-7b11-4a0b-8c6f-2f0d5f6f9c22";
const SENT = { seq: 1, id: 1, at: 1 };
/** Longer than any wait of the outbox's own. */
const LONG_MS = 60_000;

/** One of alice's tabs. */
class Page {
  readonly link = new FakeLink();
  readonly changed = vi.fn();
  readonly outbox: Outbox;
  readonly stop: () => void;

  constructor(
    readonly tab: FakeTab,
    readonly kept: Kept,
  ) {
    this.outbox = new Outbox(alice.id, { link: this.link, kept, tabs: tab, changed: this.changed });
    void this.outbox.recall();
    this.stop = this.outbox.start();
  }

  static async open(): Promise<Page> {
    const kept = await Kept.open();
    await kept.enter(alice, false);
    const page = new Page(tabs.open(), kept);
    await idle();
    return page;
  }

  /** Nothing that it does from now on reaches anybody. */
  async crash() {
    this.link.break();
    tabs.close(this.tab);
    this.stop();
    await idle();
  }

  async post(...bodies: string[]) {
    for (const body of bodies) await this.outbox.post(ROOM, body);
  }

  async enter(room = ROOM) {
    this.outbox.entered(room);
    await idle();
  }

  sending = () => this.link.waiting("message").map((payload) => payload.body);
  states = () => this.outbox.pending.map((message) => `${message.body}: ${message.state}`);
  first = () => this.outbox.pending[0]?.client_id ?? "";
}

let tabs: FakeTabs;
let page: Page;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  newDevice();
  tabs = new FakeTabs();
  page = await Page.open();
});

afterEach(() => {
  page.stop();
  vi.useRealTimers();
});

async function answer(from: Page, ...bodies: string[]) {
  for (const body of bodies) {
    expect(from.sending()).toEqual([body]);
    await from.link.answer("message", SENT);
    await idle();
  }
}

describe("a message", () => {
  test("waits until the room is entered", async () => {
    await page.post("one");
    expect(page.sending()).toEqual([]);
    await page.enter();
    expect(page.sending()).toEqual(["one"]);
  });

  test("is gone from here when it is acked", async () => {
    await page.enter();
    await page.post("one");
    await answer(page, "one");
    expect(page.states()).toEqual([]);
    expect(page.outbox.hasWork(ROOM)).toBe(false);
  });

  test("is gone from here when it is seen in the log, and the ack changes nothing more", async () => {
    await page.enter();
    await page.post("one");
    page.outbox.settle(page.first());
    expect(page.states()).toEqual([]);
    await page.link.answer("message", SENT);
    expect(page.states()).toEqual([]);
  });

  test("keeps its client_id in every attempt", async () => {
    await page.enter();
    await page.post("one");
    const [first] = page.link.waiting("message");
    page.link.breakOff();
    await idle();
    await vi.advanceTimersByTimeAsync(LONG_MS);
    expect(page.link.waiting("message")).toEqual([first]);
  });

  test("is there again after the page has crashed, under the same client_id", async () => {
    await page.enter();
    await page.post("one", "two");
    const [first] = page.link.waiting("message");
    await page.crash();
    page = await Page.open();
    expect(page.states()).toEqual(["one: waiting", "two: waiting"]);
    await page.enter();
    expect(page.link.waiting("message")).toEqual([first]);
    await answer(page, "one", "two");
    await page.crash();
    page = await Page.open();
    expect(page.states()).toEqual([]);
  });

  test("belongs to who wrote it, and to nobody else on this device", async () => {
    await page.post("one");
    const kept = await Kept.open();
    await kept.enter(bob, false);
    expect(await kept.unsent(bob.id)).toEqual(new Map());
  });
});

describe("messages of one room", () => {
  test("go one after the other, in the order in which they were written", async () => {
    await page.enter();
    await page.post("one", "two", "three");
    await answer(page, "one", "two", "three");
    expect(page.states()).toEqual([]);
  });

  test("keep their order through a lost connection", async () => {
    await page.enter();
    await page.post("one", "two");
    page.outbox.disconnected();
    page.link.breakOff();
    await page.post("three");
    expect(page.states()).toEqual(["one: waiting", "two: waiting", "three: waiting"]);
    await page.enter();
    await answer(page, "one", "two", "three");
  });

  test("wait as long as the server says, without overtaking", async () => {
    await page.enter();
    await page.post("one", "two");
    await page.link.refuse("message", { code: "rate_limited", retry_after_ms: 3_000 });
    await vi.advanceTimersByTimeAsync(2_999);
    expect(page.sending()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(page.sending()).toEqual(["one"]);
  });

  test("are tried again after longer and longer waits while nobody answers", async () => {
    await page.enter();
    await page.post("one");
    const waits: number[] = [];
    for (let attempt = 0; attempt < 8; attempt += 1) {
      page.link.breakOff();
      await idle();
      const from = Date.now();
      while (page.sending().length === 0) await vi.advanceTimersByTimeAsync(100);
      waits.push(Date.now() - from);
    }
    expect(waits[0]).toBeLessThanOrEqual(1_100);
    expect(waits[3]).toBeGreaterThanOrEqual(4_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_100);
  });

  test("do not sit out that wait when the room is entered anew", async () => {
    await page.enter();
    await page.post("one");
    for (let attempt = 0; attempt < 5; attempt += 1) {
      page.link.breakOff();
      await idle();
      if (attempt < 4) await vi.advanceTimersByTimeAsync(LONG_MS);
    }
    expect(page.sending()).toEqual([]);
    await page.enter();
    expect(page.sending()).toEqual(["one"]);
  });

  test("do not hold up those of another room", async () => {
    await page.enter();
    await page.enter(OTHER);
    await page.post("here");
    await page.outbox.post(OTHER, "there");
    expect(page.sending()).toEqual(["here", "there"]);
  });
});

describe("a message that the server does not take", () => {
  beforeEach(async () => {
    await page.enter();
    await page.post("bad", "good");
    await page.link.refuse("message", { code: "invalid_body", message: "It is too long." });
    await idle();
  });

  test("says why, and lets the next one pass", () => {
    expect(page.states()).toEqual(["bad: failed", "good: sending"]);
    expect(page.outbox.pending[0]?.why).toBe("It is too long.");
  });

  test("says so after the page was opened anew as well", async () => {
    await page.crash();
    page = await Page.open();
    expect(page.states()).toEqual(["bad: failed", "good: waiting"]);
    expect(page.outbox.pending[0]?.why).toBe("It is too long.");
  });

  test("can be sent again", async () => {
    await answer(page, "good");
    await page.outbox.retry(page.first());
    expect(page.states()).toEqual(["bad: sending"]);
    await answer(page, "bad");
  });

  test("can be thrown away for good, other than one that is on its way", async () => {
    for (const { client_id } of [...page.outbox.pending]) page.outbox.discard(client_id);
    expect(page.states()).toEqual(["good: sending"]);
    await page.crash();
    page = await Page.open();
    expect(page.states()).toEqual(["good: waiting"]);
  });
});

test("an id that is taken is not tried twice: sending the message again gives it another", async () => {
  await page.enter();
  await page.post("one");
  const [first] = page.link.waiting("message");
  await page.link.refuse("message", { code: "idempotency_conflict" });
  await idle();
  expect(page.states()).toEqual(["one: failed"]);
  await vi.advanceTimersByTimeAsync(LONG_MS);
  expect(page.sending()).toEqual([]);
  await Promise.all([page.outbox.retry(page.first()), page.outbox.retry(page.first())]);
  expect(page.states()).toEqual(["one: sending"]);
  expect(page.link.waiting("message")[0]?.client_id).not.toBe(first?.client_id);
});

describe("a message that is sent again while that cannot be kept", () => {
  let broken: MockInstance;

  async function fail(code: string) {
    await page.enter();
    await page.post("one");
    await page.link.refuse("message", { code });
    await idle();
    broken = vi.spyOn(page.kept, "putUnsent").mockResolvedValue(null);
    await page.outbox.retry(page.first());
  }

  test("leaves nothing of itself behind when it is sent", async () => {
    await fail("internal");
    expect(page.states()).toEqual(["one: sending"]);
    await answer(page, "one");
    await page.crash();
    page = await Page.open();
    expect(page.states()).toEqual([]);
  });

  test("leaves nothing of itself behind under its former id either", async () => {
    await fail("idempotency_conflict");
    expect(page.states()).toEqual(["one: sending"]);
    await answer(page, "one");
    await page.crash();
    page = await Page.open();
    expect(page.states()).toEqual([]);
  });

  test("is there once when the next outbox of this page takes it over", async () => {
    await fail("internal");
    const { unkept } = page.outbox;
    page.stop();
    page = new Page(tabs.open(), page.kept);
    await idle();
    page.outbox.takeOver(unkept);
    expect(page.states()).toEqual(["one: waiting"]);
  });

  test("is there as it was if the page crashes before", async () => {
    await fail("internal");
    await page.crash();
    page = await Page.open();
    expect(page.states()).toEqual(["one: failed"]);
  });

  test("can fail and be sent again once more", async () => {
    await fail("internal");
    await page.link.refuse("message", { code: "internal" });
    await idle();
    broken.mockRestore();
    await page.outbox.retry(page.first());
    expect([page.states(), page.outbox.wouldLose]).toEqual([["one: sending"], false]);
    await answer(page, "one");
    expect(await page.kept.unsent(alice.id)).toEqual(new Map());
  });
});

test("a room that we turn out not to be in is asked for, and the message waits", async () => {
  await page.enter();
  await page.post("one");
  await page.link.refuse("message", { code: "not_in_room" });
  expect(page.changed).toHaveBeenCalledWith(ROOM);
  expect(page.states()).toEqual(["one: waiting"]);
  await page.enter();
  expect(page.sending()).toEqual(["one"]);
});

describe("where nothing can be kept", () => {
  beforeEach(() => {
    page.stop();
    page = new Page(new FakeTabs().open(), Kept.nothing());
  });

  test("messages are sent all the same, and are known to be in this page only", async () => {
    await page.post("one", "two");
    expect([page.outbox.keeps, page.outbox.wouldLose]).toEqual([false, true]);
    await page.enter();
    await answer(page, "one", "two");
    expect(page.outbox.wouldLose).toBe(false);
  });
});

test("what is sent again does not vanish while it is being kept", async () => {
  await page.enter();
  await page.post("one");
  await page.link.refuse("message", { code: "internal" });
  await idle();
  const retried = page.outbox.retry(page.first());
  await settled();
  expect(page.states()).toEqual(["one: failed"]);
  // And is not deleted any more.
  page.outbox.discard(page.first());
  await retried;
  expect(page.states()).toEqual(["one: sending"]);
});

describe("where something could not be kept for a while", () => {
  const kept = async () => [...((await page.kept.unsent(alice.id)) ?? []).values()].map(({ body }) => body);

  test("it is kept as soon as that is possible, in the order of writing", async () => {
    const full = vi.spyOn(page.kept, "putUnsent").mockResolvedValue(null);
    await page.post("one", "two");
    expect([page.outbox.keeps, await kept()]).toEqual([false, []]);
    full.mockRestore();
    await page.post("three");
    expect([page.outbox.keeps, await kept()]).toEqual([true, ["one", "two", "three"]]);
    await page.crash();
    page = await Page.open();
    await page.enter();
    await answer(page, "one", "two", "three");
  });

  test("what was kept although that seemed to fail is there once", async () => {
    const put = page.kept.putUnsent.bind(page.kept);
    vi.spyOn(page.kept, "putUnsent").mockImplementationOnce((...given) => put(...given).then(() => null));
    await page.post("one", "two");
    expect([page.states(), await kept()]).toEqual([
      ["one: waiting", "two: waiting"],
      ["one", "one", "two"],
    ]);
  });

  test("what is written after it is not kept before it: another tab would send that first", async () => {
    vi.spyOn(page.kept, "putUnsent").mockResolvedValueOnce(null).mockResolvedValueOnce(null);
    await page.post("one", "two");
    expect([page.outbox.keeps, page.outbox.wouldLose, await kept()]).toEqual([false, true, []]);
    await page.outbox.wake();
    expect([page.outbox.keeps, page.outbox.wouldLose, await kept()]).toEqual([true, false, ["one", "two"]]);
    expect(page.states()).toEqual(["one: waiting", "two: waiting"]);
  });

  test("what has failed and is not kept is in nobody's way", async () => {
    vi.spyOn(page.kept, "putUnsent").mockResolvedValueOnce(null);
    await page.post("one");
    await page.enter();
    await page.link.refuse("message", { code: "internal" });
    const put = vi.spyOn(page.kept, "putUnsent").mockResolvedValueOnce(null);
    await page.post("two");
    put.mockRestore();
    expect([page.states(), await kept()]).toEqual([["one: failed", "two: sending"], ["two"]]);
  });

  test("nothing is turned round where there is room for a part of it", async () => {
    vi.spyOn(page.kept, "putUnsent").mockResolvedValueOnce(null).mockResolvedValueOnce(null);
    await page.post("one", "two");
    roomForOne();
    await page.outbox.wake();
    expect([page.states(), await kept()]).toEqual([["one: waiting", "two: waiting"], []]);
    vi.restoreAllMocks();
    await page.outbox.wake();
    expect([page.states(), await kept()]).toEqual([
      ["one: waiting", "two: waiting"],
      ["one", "two"],
    ]);
  });

  test("what is sent while it is being kept is not there any more afterwards", async () => {
    vi.spyOn(page.kept, "putUnsent").mockResolvedValueOnce(null);
    await page.post("one");
    await page.enter();
    const woken = page.outbox.wake();
    await settled();
    page.outbox.settle(page.first());
    await woken;
    expect([page.states(), await kept()]).toEqual([[], []]);
  });

  test("what was sent and could not be removed is removed later", async () => {
    await page.enter();
    await page.post("one");
    vi.spyOn(page.kept, "removeUnsent").mockResolvedValueOnce(false);
    await answer(page, "one");
    expect([page.states(), await kept()]).toEqual([[], ["one"]]);
    await page.outbox.wake();
    expect([page.states(), await kept()]).toEqual([[], []]);
  });
});

describe("two tabs", () => {
  let other: Page;

  beforeEach(async () => {
    other = await Page.open();
  });

  afterEach(() => other.stop());

  test("see the same messages, and one of them sends", async () => {
    await page.enter();
    await other.enter();
    await page.post("one");
    await idle();
    expect(other.states()).toEqual(["one: waiting"]);
    expect([page.sending(), other.sending()]).toEqual([["one"], []]);
    await answer(page, "one");
    expect([page.states(), other.states()]).toEqual([[], []]);
  });

  test("send from the one in which was written last", async () => {
    await page.enter();
    await other.enter();
    await other.post("one");
    await idle();
    expect([page.sending(), other.sending()]).toEqual([[], ["one"]]);
    await page.post("two");
    await idle();
    // What the other has under way is asked for once more, since whether it arrives nobody knows.
    expect(page.sending()).toEqual(["one"]);
    await other.link.answer("message", SENT);
    await answer(page, "one", "two");
    expect([page.states(), other.states(), other.sending()]).toEqual([[], [], []]);
  });

  test("hand over at once when one dies", async () => {
    await page.enter();
    await other.enter();
    await page.post("one", "two");
    await page.crash();
    await answer(other, "one", "two");
  });

  test("send from the one that is looked at, should the other be asleep", async () => {
    await page.enter();
    await other.enter();
    await page.post("one");
    page.link.break();
    await other.outbox.wake();
    await idle();
    await answer(other, "one");
  });

  test("both learn that what was sent is gone, also if it was removed only later", async () => {
    await page.enter();
    await page.post("one");
    vi.spyOn(page.kept, "removeUnsent").mockResolvedValueOnce(false);
    await answer(page, "one");
    await page.outbox.wake();
    await idle();
    expect(other.states()).toEqual([]);
  });

  test("need to be in a room for what is to be sent only if they are the one that sends", async () => {
    await page.post("one");
    await idle();
    expect([page.outbox.hasWork(ROOM), other.outbox.hasWork(ROOM)]).toEqual([true, false]);
  });

  test("do not let what only one of them has overtake what was written before", async () => {
    await page.enter();
    await page.post("one");
    await idle();
    vi.spyOn(other.kept, "putUnsent").mockResolvedValue(null);
    await other.post("two");
    await page.outbox.wake();
    await other.enter();
    expect(other.states()).toEqual(["one: waiting", "two: waiting"]);
    expect([other.sending(), other.outbox.hasWork(ROOM)]).toEqual([[], false]);
    await answer(page, "one");
    expect(other.sending()).toEqual(["two"]);
  });
});
