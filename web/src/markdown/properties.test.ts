import fc from "fast-check";
import { expect, test } from "vitest";
import { parseMarkdown } from "./blocks";
import { addresses, depthOf, shown } from "./testing";

/** Everything markup is made of, among some text. */
const pieces = [
  ..."*_~`[]()>-\\.!:#|<&¯ \n\t\r",
  ...[
    "**",
    "***",
    "~~",
    "```",
    "```js\n",
    "- ",
    "1. ",
    "  - ",
    "> ",
    "\n\n",
    "](",
    "](https://",
    "https://",
    "h",
  ],
  ...[
    "a",
    "bc",
    "7",
    "ß",
    "語",
    "👍🏽",
    "é",
    "http://x.example/a_b",
    "[l](https://y.example/)",
    "javascript:x",
    "\u202e",
  ],
];
const hostile = fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((parts) => parts.join(""));
const anything = fc.oneof(
  hostile,
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.string({ unit: "grapheme" }),
);

/** What is left of a text without the characters that markup is made of. */
function said(text: string): string {
  return text.replaceAll(/[*_~`>\-.\\[\]\s]/gu, "");
}

test("no text is lost, added or moved", () => {
  const withoutLabels = hostile.map((body) => body.replaceAll("](", ""));
  fc.assert(
    fc.property(withoutLabels, (body) => {
      expect(said(shown(parseMarkdown(body).blocks))).toBe(said(body));
    }),
    { numRuns: 3000 },
  );
});

test("text without markup is shown exactly as it was typed", () => {
  const words = fc.stringMatching(/^[a-z0-9 ,;:?!(){}"'/\\@#$%^&=+|<]{1,40}$/);
  fc.assert(
    fc.property(fc.array(words), (lines) => {
      const body = lines.filter((line) => line.trim() !== "").join("\n");
      expect(shown(parseMarkdown(body).blocks)).toBe(body);
    }),
  );
});

test("whatever is typed, an address has a scheme that is allowed", () => {
  fc.assert(
    fc.property(anything, (body) => {
      for (const address of addresses(parseMarkdown(body).blocks)) {
        expect(address).toMatch(/^(https?:\/\/[^/]|mailto:)/);
      }
    }),
    { numRuns: 3000 },
  );
});

test("whatever is typed, the tree is not deep", () => {
  fc.assert(
    fc.property(anything, (body) => {
      for (const block of parseMarkdown(body).blocks) expect(depthOf(block)).toBeLessThanOrEqual(13);
    }),
  );
});

/** The longest body there is. */
const LONGEST = 8192;
const HOSTILE = [
  ...[
    "*",
    "_",
    "[",
    "]",
    "`",
    "~~a",
    "*a",
    "*a ",
    "a*",
    "*_",
    "*[_",
    "**a*",
    "***a",
    "[a](",
    "](",
    "[](",
    "(",
    "- ",
    "> ",
    "1. ",
  ],
  ...[
    "- a\n",
    " - a\n\n",
    "> > ",
    "```\n",
    "\n",
    " ",
    "\t",
    "\\",
    "\\*",
    "http://",
    "http://%",
    "https://a(",
    "[a](x(",
    "h",
    "¯",
  ],
  ...["*!~~!", "!* ", "_a ", "a*** ", "[[*a ", "]]", "👍🏽", "0\ufe0f", "` `` ``` "],
];

const AT_ONCE_MS = 5;

/** The quickest of many attempts, since others use the machine too. Quadratic time fails each of them. */
function quickestMs(body: string): number {
  let quickest = Infinity;
  for (let attempt = 0; attempt < 50 && quickest >= AT_ONCE_MS; attempt++) {
    const start = performance.now();
    parseMarkdown(body);
    quickest = Math.min(quickest, performance.now() - start);
  }
  return quickest;
}

test.each(HOSTILE)("8 KiB of %j are read at once", (part) => {
  const full = part.repeat(LONGEST / part.length);
  expect(quickestMs(full)).toBeLessThan(AT_ONCE_MS);
});

test("openers and closers of different kinds, 8 KiB of each, are read at once", () => {
  for (const [openers, closers] of [
    ["[", "*a ", "]"],
    ["*", "~~!", "!* "],
    ["_a ", "a*** "],
    ["[", "](x("],
    ["*", "_", "a"],
  ].map((parts) => [parts.slice(0, -1), parts.at(-1) ?? ""] as const)) {
    const share = LONGEST / (openers.length + 1);
    const body = [...openers, closers].map((part) => part.repeat(share / part.length)).join("");
    expect(quickestMs(body)).toBeLessThan(AT_ONCE_MS);
  }
});
