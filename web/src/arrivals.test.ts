import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Arrivals } from "./arrivals";

let taken: number[][];
let arrivals: Arrivals<number>;

beforeEach(() => {
  vi.useFakeTimers();
  taken = [];
  arrivals = new Arrivals((arrived) => taken.push(arrived));
});

afterEach(() => {
  vi.useRealTimers();
});

test("what comes alone is taken at once", () => {
  arrivals.add(1);
  expect(taken).toEqual([[1]]);
  vi.advanceTimersByTime(1_000);
  arrivals.add(2);
  expect(taken).toEqual([[1], [2]]);
});

test("what comes in quick succession is taken together and in its order", () => {
  for (const one of [1, 2, 3]) arrivals.add(one);
  expect(taken).toEqual([[1]]);
  vi.advanceTimersByTime(100);
  arrivals.add(4);
  vi.advanceTimersByTime(1_000);
  expect(taken).toEqual([[1], [2, 3], [4]]);
});

test("what waits can be had before something that depends on it", () => {
  for (const one of [1, 2]) arrivals.add(one);
  arrivals.now();
  arrivals.now();
  vi.advanceTimersByTime(1_000);
  expect(taken).toEqual([[1], [2]]);
});

test("never does very much wait, even if no timer comes", () => {
  for (let one = 0; one < 10_000; one += 1) arrivals.add(one);
  expect(taken.flat().length).toBeGreaterThan(7_000);
  expect(Math.max(...taken.map((all) => all.length))).toBeLessThanOrEqual(2_000);
});
