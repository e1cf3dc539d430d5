import { afterEach, beforeEach, expect, test, vi } from "vitest";
import * as api from "./api";
import { NoAnswer } from "./refusal";

/** What the network does with a request until it is called off. */
let network: (calledOff: Promise<never>) => Promise<Response>;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
    const limit = new AbortController();
    setTimeout(() => limit.abort(new DOMException("Too late.", "TimeoutError")), ms);
    return limit.signal;
  });
  vi.stubGlobal("fetch", (_: string, { signal }: { signal?: AbortSignal }) => {
    const calledOff = new Promise<never>((_, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason as DOMException));
    });
    calledOff.catch(() => undefined);
    return network(calledOff);
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function outcomeInTime(asked: Promise<unknown>): Promise<unknown> {
  let outcome: unknown = "still waiting";
  asked.then(
    (answer) => (outcome = answer),
    (thrown: unknown) => (outcome = thrown),
  );
  await vi.advanceTimersByTimeAsync(15_000);
  return outcome;
}

test("a network that swallows a request is no answer", async () => {
  network = (calledOff) => calledOff;
  expect(await outcomeInTime(api.me())).toBeInstanceOf(NoAnswer);
});

test("a network that swallows the end of an answer is none either", async () => {
  network = async (calledOff) => Object.assign(new Response(), { json: () => calledOff });
  expect(await outcomeInTime(api.me())).toBeInstanceOf(NoAnswer);
});

test("what is answered is not called off later", async () => {
  network = async () => Response.json({ admin: true });
  expect(await outcomeInTime(api.me())).toEqual({ admin: true });
});
