import { expect, test } from "vitest";
import { AVATAR_COLOURS, colourIndex, initials } from "./initials";

test.each([
  ["alice", "A"],
  ["Alice Smith", "AS"],
  ["alice van der berg", "AB"],
  ["bob.jones", "BJ"],
  ["carol-ann_lee", "CL"],
  ["  dave  ", "D"],
  ["élodie", "É"],
  ["e\u0301lodie", "É".normalize("NFD")],
  ["ßeta", "S"],
  ["ольга петрова", "ОП"],
  ["王小明", "王"],
  ["山田 太郎", "山"],
  ["محمد علي", "م"],
  ["नमिता", "न"],
  ["👩🏽‍🚀 crew", "👩🏽‍🚀"],
  ["r2 d2", "RD"],
  ["42", "4"],
  ["...", "."],
  ["", ""],
])("the initials of %j are %j", (name, letters) => {
  expect(initials(name)).toBe(letters);
});

test("a person's colour is always the same, and the next person's is another", () => {
  expect(colourIndex(7)).toBe(colourIndex(7));
  expect(colourIndex(7)).not.toBe(colourIndex(8));
  expect(AVATAR_COLOURS[colourIndex(1_000_000_007)]).toBeDefined();
});

/** WCAG 2.2: relative luminance. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const channel = parseInt(colour.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

test.each(AVATAR_COLOURS)("white letters can be read on %s", (colour) => {
  expect(1.05 / (luminance(colour) + 0.05)).toBeGreaterThanOrEqual(4.5);
});
