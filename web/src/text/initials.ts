/** What stands for a face: one or two letters, on a colour that is always the same person's. */

/** Grounds for white text, each with a contrast of 4.5 : 1 or more (WCAG AA), in both themes. */
export const AVATAR_COLOURS = [
  "#10695a", // bottle green
  "#8a4b12", // rust
  "#5a4a9c", // iris
  "#a3314f", // madder
  "#2b5f8a", // slate blue
  "#6b5a12", // moss
  "#8a3a86", // plum
  "#3f6630", // fern
  "#94421f", // brick
  "#4d5a66", // stone
] as const;

/** The place of a person's colour in `AVATAR_COLOURS`. Neighbouring ids, of friends who joined together, differ. */
export function colourIndex(userId: number): number {
  return userId % AVATAR_COLOURS.length;
}

const letters = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/**
 * The first letters of the first and the last word of a name. Scripts without capitals give one
 * character: it says enough in Chinese, and in Arabic two would join to another word.
 */
export function initials(name: string): string {
  const words = name.split(/[\s\p{Pd}\p{Pc}.]+/u).filter((word) => word !== "");
  const first = firstLetter(words[0] ?? name);
  const last = words.length > 1 ? firstLetter(words.at(-1) ?? "") : "";
  return hasCapitals(first) && hasCapitals(last) ? first + last : first;
}

/** A whole character as people see it, with its accents or as a whole emoji, and capital where there are capitals. */
function firstLetter(word: string): string {
  const capital = grapheme(word).toUpperCase();
  return grapheme(capital);
}

function grapheme(text: string): string {
  for (const { segment } of letters.segment(text)) return segment;
  return "";
}

function hasCapitals(letter: string): boolean {
  return letter !== letter.toLowerCase();
}
