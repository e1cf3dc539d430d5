/** The emoji that are offered, each under the name by which `:name:` writes it. Any other can be typed or pasted. */
export const EMOJI: readonly (readonly [name: string, emoji: string])[] = [
  ["smile", "😄"],
  ["grin", "😁"],
  ["joy", "😂"],
  ["wink", "😉"],
  ["blush", "😊"],
  ["heart_eyes", "😍"],
  ["sunglasses", "😎"],
  ["thinking", "🤔"],
  ["neutral", "😐"],
  ["eyeroll", "🙄"],
  ["sweat", "😅"],
  ["sad", "😢"],
  ["sob", "😭"],
  ["angry", "😠"],
  ["scream", "😱"],
  ["sleepy", "😴"],
  ["thumbsup", "👍"],
  ["thumbsdown", "👎"],
  ["clap", "👏"],
  ["wave", "👋"],
  ["pray", "🙏"],
  ["muscle", "💪"],
  ["ok", "👌"],
  ["point_up", "☝️"],
  ["heart", "❤️"],
  ["broken_heart", "💔"],
  ["fire", "🔥"],
  ["sparkles", "✨"],
  ["star", "⭐"],
  ["tada", "🎉"],
  ["gift", "🎁"],
  ["cake", "🎂"],
  ["coffee", "☕"],
  ["tea", "🍵"],
  ["beer", "🍺"],
  ["pizza", "🍕"],
  ["sun", "☀️"],
  ["moon", "🌙"],
  ["rain", "🌧️"],
  ["rainbow", "🌈"],
  ["cat", "🐱"],
  ["dog", "🐶"],
  ["bug", "🐛"],
  ["rocket", "🚀"],
  ["car", "🚗"],
  ["bike", "🚲"],
  ["house", "🏠"],
  ["music", "🎵"],
  ["book", "📖"],
  ["bulb", "💡"],
  ["pin", "📌"],
  ["calendar", "📅"],
  ["clock", "⏰"],
  ["lock", "🔒"],
  ["check", "✅"],
  ["cross", "❌"],
  ["warning", "⚠️"],
  ["question", "❓"],
  ["exclamation", "❗"],
  ["eyes", "👀"],
  ["zzz", "💤"],
  ["hundred", "💯"],
  ["arrow_right", "➡️"],
  ["plus", "➕"],
];

const BY_NAME = new Map(EMOJI);

/** When the `:name:` of an emoji ends at the caret: the text with the emoji in its place. */
export function completeShortcode(text: string, caret: number): { text: string; caret: number } | null {
  const match = /(?:^|[^\w:]):([a-z_]+):$/.exec(text.slice(0, caret));
  const name = match?.[1];
  const emoji = name === undefined ? undefined : BY_NAME.get(name);
  if (name === undefined || emoji === undefined) return null;
  const start = caret - name.length - 2;
  return { text: text.slice(0, start) + emoji + text.slice(caret), caret: start + emoji.length };
}
