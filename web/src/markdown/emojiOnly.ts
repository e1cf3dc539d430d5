/** More than this many are read as a text and shown in its size. */
const MOST_EMOJI = 6;

/** Longer bodies are not looked at. A family of four in one emoji takes 25 UTF-16 units. */
const MOST_UNITS = MOST_EMOJI * 25;

const PART = String.raw`\p{Extended_Pictographic}(?:\p{EMod}|\uFE0F)?[\u{E0020}-\u{E007F}]*`;
const EMOJI = new RegExp(String.raw`\p{RI}{2}|[0-9#*]\uFE0F?\u20E3|${PART}(?:\u200D${PART})*`, "gu");

/** Whether a body is a few emoji and nothing else. */
export function isEmojiOnly(body: string): boolean {
  if (body.length > MOST_UNITS) return false;
  const count = body.match(EMOJI)?.length ?? 0;
  return count > 0 && count <= MOST_EMOJI && body.replace(EMOJI, "").trim() === "";
}
