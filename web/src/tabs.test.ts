import { describe, expect, test } from "vitest";
import { LockCandidate } from "./tabs";

interface Wait {
  grant: () => void;
  refuse: () => void;
}

/** One lock, as browsers have it: a line, and those who push in. */
class OneLock {
  #line: Wait[] = [];
  #takenAway: (() => void) | null = null;

  request(_name: string, options: LockOptions, hold: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const refuse = () => reject(new DOMException("No.", "AbortError"));
      const grant = () => {
        let over = false;
        this.#takenAway = () => ((over = true), refuse());
        void hold().then(() => {
          resolve();
          if (!over) this.#next();
        });
      };
      const wait = { grant, refuse };
      options.signal?.addEventListener("abort", () => {
        if (!this.#line.includes(wait)) return;
        this.#line = this.#line.filter((other) => other !== wait);
        refuse();
      });
      if (options.steal) {
        this.#takenAway?.();
        queueMicrotask(grant);
      } else {
        this.#line.push(wait);
        if (this.#takenAway === null) this.#next();
      }
    });
  }

  #next() {
    this.#takenAway = null;
    const next = this.#line.shift();
    if (next) {
      this.#takenAway = () => undefined;
      queueMicrotask(next.grant);
    }
  }
}

async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** Some tabs that stand for one office, in this order, and which of them has it. */
function candidates(names: string[]) {
  const lock = new OneLock() as unknown as LockManager;
  const holders = new Set<string>();
  const told: string[] = [];
  const stand = (name: string) =>
    new LockCandidate(lock, "office", (held) => {
      told.push(`${name} ${held ? "has it" : "lost it"}`);
      if (held) holders.add(name);
      else holders.delete(name);
    });
  const tabs = Object.fromEntries(names.map((name) => [name, stand(name)]));
  return { tabs, holders, told };
}

describe("an office", () => {
  test("is the first one's, and falls to the next in line when that one goes", async () => {
    const { tabs, told } = candidates(["alice", "bob", "carol"]);
    await settled();
    tabs["bob"]?.withdraw();
    tabs["alice"]?.withdraw();
    await settled();
    expect(told).toEqual(["alice has it", "carol has it"]);
  });

  test("can be taken, and whoever lost it stands in line again", async () => {
    const { tabs, told } = candidates(["alice", "bob"]);
    await settled();
    tabs["bob"]?.take();
    tabs["bob"]?.take();
    await settled();
    tabs["bob"]?.withdraw();
    await settled();
    expect(told).toEqual(["alice has it", "alice lost it", "bob has it", "alice has it"]);
  });

  test("goes back and forth between those who take it in turn", async () => {
    const { tabs, holders } = candidates(["alice", "bob"]);
    await settled();
    for (const name of ["bob", "alice", "bob", "alice", "bob"]) {
      tabs[name]?.take();
      await settled();
      expect([...holders]).toEqual([name]);
    }
  });

  test("is each tab's where the browser gives no locks", async () => {
    const told: boolean[] = [];
    const none = { request: () => Promise.reject(new DOMException("No.", "SecurityError")) };
    const candidate = new LockCandidate(none as unknown as LockManager, "office", (held) => told.push(held));
    await settled();
    candidate.take();
    await settled();
    expect(told).toEqual([true]);
  });

  test("is not taken by who has withdrawn, be it at the same moment", async () => {
    const { tabs, holders } = candidates(["alice", "bob"]);
    await settled();
    tabs["bob"]?.take();
    tabs["bob"]?.withdraw();
    await settled();
    expect([...holders]).toEqual(["alice"]);
    tabs["bob"]?.take();
    await settled();
    expect([...holders]).toEqual(["alice"]);
  });
});
