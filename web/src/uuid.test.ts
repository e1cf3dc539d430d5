import fc from "fast-check";
import { expect, test } from "vitest";
import { uuid } from "./uuid";

test("a UUID says its version and variant, and begins with its time", () => {
  expect(uuid(0x0123_4567_89ab)).toMatch(/^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("UUIDs of different times are in the order of their times", () => {
  const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
  fc.assert(fc.property(time, time, (a, b) => a === b || uuid(a) < uuid(b) === a < b));
});

test("no two UUIDs of one moment are the same", () => {
  const many = Array.from({ length: 1_000 }, () => uuid(0));
  expect(new Set(many).size).toBe(many.length);
});
