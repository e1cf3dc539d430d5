// Whatever happens on the way: each message is in the room once, in the order of writing.

import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Kept } from "../kept/kept";
import { newDevice } from "../kept/testing";
import { NoAnswer, Refusal } from "../refusal";
import type { Link } from "../socket";
import type { Tabs } from "../tabs";
import { uuid } from "../uuid";
import type { ClientEvents } from "../wire";
import { Outbox } from "./outbox.svelte";
import { alice, FakeTabs, ROOM, type FakeTab } from "./testing";

/** Longer than any wait of the outbox's own, and than what the server asks for. */
const LONG_MS = 60_000;

type Say = ClientEvents["message"]["payload"];

/** The server as far as it matters here: a log that takes each `client_id` once. */
class Server {
  log: Say[] = [];

  hear(said: Say) {
    const before = this.log.find(({ client_id }) => client_id === said.client_id);
    if (before && before.body !== said.body)
      throw new Refusal({ code: "idempotency_conflict", message: "Taken." });
    if (said.body.startsWith("bad")) throw new Refusal({ code: "invalid_body", message: "Bad." });
    if (!before) this.log.push(said);
    return { seq: this.log.findIndex(({ client_id }) => client_id === said.client_id) + 1, id: 1, at: 1 };
  }
}

/** What becomes of a question on its way: it may be lost, or its answer, or be answered with "not now". */
type Fate = "answered" | "lost" | "answer lost" | "later" | "stored, says later" | "not in room";

class Wire implements Pick<Link, "ask"> {
  #asked: { said: Say; resolve: (ok: never) => void; reject: (error: Error) => void }[] = [];
  dead = false;

  constructor(private readonly server: Server) {}

  ask(_event: keyof ClientEvents, said: unknown): Promise<never> {
    return new Promise((resolve, reject) => this.#asked.push({ said: said as Say, resolve, reject }));
  }

  get busy(): boolean {
    return this.#asked.length > 0;
  }

  /** Decides about the question that was asked first. */
  decide(fate: Fate) {
    const question = this.#asked.shift();
    if (!question) return;
    const { said, resolve, reject } = question;
    try {
      const stored = ["answered", "answer lost", "stored, says later"].includes(fate);
      const ok = stored ? this.server.hear(said) : null;
      if (this.dead) return;
      if (fate === "answered") resolve(ok as never);
      else if (fate === "later" || fate === "stored, says later")
        reject(new Refusal({ code: "storage_unavailable", message: "Later.", retry_after_ms: 700 }));
      else if (fate === "not in room") reject(new Refusal({ code: "not_in_room", message: "No." }));
      else reject(new NoAnswer());
    } catch (refused) {
      if (!this.dead) reject(refused as Error);
    }
  }
}

/** What one tab can do with the device: nothing any more when it is gone, and no writing while the disk is full. */
class Disk {
  full = false;
  /** Whether it was asked in vain. */
  failed = false;

  constructor(private readonly wire: Wire) {}

  under(kept: Kept): Kept {
    return new Proxy(kept, {
      get: (target, name) => {
        const found: unknown = Reflect.get(target, name, target);
        if (typeof found !== "function") return found;
        return (...given: unknown[]): unknown => {
          if (this.wire.dead) return new Promise(() => undefined);
          if (!this.full || name === "unsent") return found.apply(target, given);
          this.failed = true;
          return Promise.resolve(null);
        };
      },
    });
  }
}

class Page {
  readonly outbox: Outbox;
  readonly stop: () => void;

  constructor(
    readonly tab: FakeTab,
    readonly wire: Wire,
    readonly disk: Disk,
    kept: Kept,
    tabs: Tabs,
  ) {
    const changed = (notIn?: string) =>
      notIn && queueMicrotask(() => this.wire.dead || this.outbox.entered(ROOM));
    this.outbox = new Outbox(alice.id, { link: this.wire, kept, tabs, changed });
    void this.outbox.recall();
    this.stop = this.outbox.start();
  }
}

/** Breaks something beneath a page before it begins. */
type Sabotage = (wire: Wire, kept: Kept) => void;

class World {
  readonly server = new Server();
  readonly tabs = new FakeTabs();
  pages: Page[] = [];

  constructor(
    private readonly locks: boolean,
    private readonly sabotage: Sabotage,
  ) {}

  async open() {
    const tab = this.tabs.open();
    const wire = new Wire(this.server);
    const kept = await Kept.open();
    this.sabotage(wire, kept);
    const disk = new Disk(wire);
    const page = new Page(tab, wire, disk, disk.under(kept), slow(tab, this.locks));
    this.pages.push(page);
    return page;
  }

  /** The tab is gone in the middle of whatever it did; its questions may still arrive. */
  async crash(page: Page) {
    page.wire.dead = true;
    page.stop();
    this.tabs.close(page.tab);
    this.pages = this.pages.filter((other) => other !== page);
    this.gone.push(page);
    if (this.pages.length === 0) await this.open();
  }

  readonly gone: Page[] = [];

  /** Everything works from now on, until there is nothing left to do. */
  async heal() {
    for (const page of this.gone) while (page.wire.busy) page.wire.decide("answered");
    for (const page of this.pages) {
      page.disk.full = false;
      page.outbox.entered(ROOM);
      // Nobody is told that a tab has died where there are no locks, or that there is room again on the disk: then it
      // shows when one looks at the page.
      if (!this.locks || page.disk.failed) await page.outbox.wake();
    }
    for (let quiet = 0; quiet < 2;) {
      await turns(20);
      await vi.advanceTimersByTimeAsync(LONG_MS);
      await turns(20);
      quiet = this.pages.some((page) => page.wire.busy) ? 0 : quiet + 1;
      for (const page of this.pages) while (page.wire.busy) page.wire.decide("answered");
    }
  }
}

/** Tabs that hear late of each other. Without locks, every tab takes itself for the one that sends. */
function slow(tab: FakeTab, locks: boolean): Tabs {
  return {
    tell: (word) => void setTimeout(() => tab.tell(word), 50),
    listen: (listener) => tab.listen(listener),
    standFor(office, changed) {
      if (locks) return tab.standFor(office, changed);
      queueMicrotask(() => changed(true));
      return { take: () => undefined, withdraw: () => undefined };
    },
  };
}

async function turns(count: number) {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

type Deed =
  | { is: "open" }
  | { is: "post"; page: number; bad: boolean }
  | { is: "enter" | "disconnect" | "crash" | "echo" | "retry" | "wake" | "disk"; page: number }
  | { is: "decide"; page: number; fate: Fate }
  | { is: "wait"; ms: number };

const page = fc.nat({ max: 2 });
const fate = fc.constantFrom<Fate>(
  "answered",
  "answered",
  "lost",
  "answer lost",
  "later",
  "stored, says later",
  "not in room",
);
const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ is: fc.constant("post" as const), page, bad: fc.boolean().map(() => false) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ is: fc.constant("post" as const), page, bad: fc.constant(true) }),
  },
  { weight: 4, arbitrary: fc.record({ is: fc.constant("decide" as const), page, fate }) },
  {
    weight: 4,
    arbitrary: fc.record({
      is: fc.constantFrom(
        "enter" as const,
        "enter" as const,
        "disconnect" as const,
        "crash" as const,
        "echo" as const,
        "retry" as const,
        "wake" as const,
        "disk" as const,
      ),
      page,
    }),
  },
  { weight: 1, arbitrary: fc.constant<Deed>({ is: "open" }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("wait" as const), ms: fc.nat({ max: 5_000 }) }) },
);
/** A deed, and how long it is before the next: sometimes the database has not even begun. */
const story = fc.array(fc.tuple(deed, fc.constantFrom(0, 0, 1, 2, 5, 20)), { maxLength: 40 });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Lives through a story and compares the log with what was written. */
async function live(locks: boolean, deeds: [Deed, number][], sabotage: Sabotage = () => undefined) {
  newDevice();
  await (await Kept.open()).enter(alice, false);
  const world = new World(locks, sabotage);
  await world.open();
  /** What is in the outbox for certain, in its order; what crashed on its way there; what a tab may have in memory only. */
  const written: string[] = [];
  const perhaps: string[] = [];
  const inMemory: [string, Page][] = [];
  let count = 0;

  for (const [done, after] of deeds) {
    const at = "page" in done ? world.pages[done.page % world.pages.length] : undefined;
    if (done.is === "open" && world.pages.length < 3) await world.open();
    else if (done.is === "wait") await vi.advanceTimersByTimeAsync(done.ms);
    else if (at && done.is === "post") {
      const body = `${done.bad ? "bad" : "good"} ${(count += 1)}`;
      // Writing in one tab and then in another takes a person longer than the database.
      if (after > 0) {
        await at.outbox.post(ROOM, body);
        if (world.pages.some(({ disk }) => disk.full)) inMemory.push([body, at]);
        else written.push(body);
      } else {
        void at.outbox.post(ROOM, body);
        perhaps.push(body);
        await world.crash(at);
      }
    } else if (at && done.is === "enter") at.outbox.entered(ROOM);
    else if (at && done.is === "disconnect") {
      at.outbox.disconnected();
      while (at.wire.busy) at.wire.decide(after % 2 === 0 ? "lost" : "answer lost");
    } else if (at && done.is === "disk") at.disk.full = !at.disk.full;
    else if (at && done.is === "wake") void at.outbox.wake();
    else if (at && done.is === "crash") await world.crash(at);
    else if (at && done.is === "decide") at.wire.decide(done.fate);
    else if (at && done.is === "retry") void at.outbox.retry(at.outbox.pending[0]?.client_id ?? "");
    else if (at && done.is === "echo") for (const said of world.server.log) at.outbox.settle(said.client_id);
    await turns(after);
  }
  await world.heal();

  const log = world.server.log.map(({ body }) => body);
  const sure = written.filter((body) => body.startsWith("good"));
  const unsure = [...perhaps, ...inMemory.map(([body]) => body)];
  expect(log.filter((body) => !unsure.includes(body))).toEqual(sure);
  const survived = inMemory.filter(([body, page]) => body.startsWith("good") && world.pages.includes(page));
  for (const [body] of survived) expect(log).toContain(body);
  expect(new Set(log).size).toBe(log.length);
  // What was refused is still there to be sent again or deleted, and nothing else is.
  const refused = written.filter((body) => body.startsWith("bad")).sort();
  for (const { outbox } of world.pages) {
    expect(outbox.pending.filter((message) => message.state !== "failed")).toEqual([]);
    const left = outbox.pending.map(({ body }) => body).filter((body) => !unsure.includes(body));
    expect(left.sort()).toEqual(refused);
  }
  for (const one of world.pages) one.stop();
}

const runs = { numRuns: Number(process.env.PARLOR_RUNS ?? 150) };

test("each message is in the log once and in order, through losses, crashes and several tabs", async () => {
  await fc.assert(
    fc.asyncProperty(story, (deeds) => live(true, deeds)),
    runs,
  );
}, 600_000);

test("the same holds where nothing elects the tab that sends", async () => {
  await fc.assert(
    fc.asyncProperty(story, (deeds) => live(false, deeds)),
    runs,
  );
}, 600_000);

const broken: Record<string, Sabotage> = {
  "forgets what it said it keeps": (_, kept) => {
    kept.putUnsent = () => Promise.resolve([1]);
  },
  "draws another id each time it sends": (wire) => {
    const ask = wire.ask.bind(wire);
    wire.ask = (event, said) => ask(event, { ...(said as Say), client_id: uuid() });
  },
  "turns the order round": (_, kept) => {
    const unsent = kept.unsent.bind(kept);
    kept.unsent = async (user) => {
      const all = [...((await unsent(user)) ?? [])];
      return new Map(all.map(([place, message]) => [-place, message]));
    };
  },
};

for (const [does, sabotage] of Object.entries(broken))
  test(`both would notice a page that ${does}`, async () => {
    const found = fc.check(
      fc.asyncProperty(story, (deeds) => live(true, deeds, sabotage)),
      { seed: 1, endOnFailure: true },
    );
    await expect(found).resolves.toMatchObject({ failed: true, errorInstance: { name: "AssertionError" } });
  });
