import { expect, test } from "vitest";
import { isEmojiOnly } from "../markdown/emojiOnly";
import { EMOJI, replaceShortcodes, searchEmoji } from "./emoji";

test("every entry is one emoji with a name of its own", () => {
  const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
  for (const { char, name } of EMOJI) {
    expect([...graphemes.segment(char)].length, name).toBe(1);
    expect(isEmojiOnly(char), name).toBe(true);
    // Without the selector, some would be shown as a black sign.
    expect(char, name).toMatch(/^\p{Emoji_Presentation}|\ufe0f/u);
    expect(name).toMatch(/^[a-z_]+$/);
  }
  expect(EMOJI.length).toBeGreaterThanOrEqual(150);
  expect(new Set(EMOJI.map(({ name }) => name)).size).toBe(EMOJI.length);
  expect(new Set(EMOJI.map(({ char }) => char)).size).toBe(EMOJI.length);
});

test("a search finds parts of names, beginnings first", () => {
  const names = searchEmoji("Heart").map(({ name }) => name);
  expect(names.slice(0, 3)).toEqual(["heart_eyes", "heart_hands", "heart"]);
  expect(names).toContain("broken_heart");
  expect(searchEmoji("thumbs up")).toEqual([]);
  expect(searchEmoji("ok hand").map(({ char }) => char)).toEqual(["👌"]);
  expect(searchEmoji("🚪").map(({ name }) => name)).toEqual(["door"]);
  expect(searchEmoji("")).toEqual(EMOJI);
});

test("names between colons become emoji, and unknown ones stay", () => {
  expect(replaceShortcodes("ship it :rocket: :tada:!")).toBe("ship it 🚀 🎉!");
  expect(replaceShortcodes(":nothing_known: 10:30:00 a:fire:b std::fire::x")).toBe(
    ":nothing_known: 10:30:00 a:fire:b std::fire::x",
  );
});
