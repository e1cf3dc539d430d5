/** Which addresses a message may link to, and where an address ends in running text. */

const SCHEMES = ["http:", "https:", "mailto:"];

/** White space, controls, quotes, and the punctuation of scripts that write no space after an address. */
const NEVER_IN_ADDRESS = /[\s\p{Cc}\p{Cf}\p{Pi}\p{Pf}<>"„…`。，、！？；：（）「」『』【】《》]/u;

/** What ends a sentence, or a mark around the address, rather than the address. */
const NEVER_AT_END = ".,:;!?'*_~([";

/**
 * The address as the browser will open it, or null where a link must not be: another scheme, no
 * host, or a user name before the host, which makes `https://bank.example@evil.example` look like a bank.
 */
export function safeAddress(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  if (!SCHEMES.includes(url.protocol)) return null;
  if (url.username !== "" || url.password !== "") return null;
  return url.href;
}

/**
 * Where the address that begins at `start` ends: before a bracket that it did not open itself, so
 * that "(see https://example.com/a_(b))" links what is meant.
 */
export function addressEnd(text: string, start: number): number {
  let open = 0;
  let end = start;
  for (; end < text.length; end++) {
    const char = text.charAt(end);
    if (NEVER_IN_ADDRESS.test(char)) break;
    if (char === "(" || char === "[") open++;
    if ((char === ")" || char === "]") && --open < 0) break;
  }
  return end;
}

/** The same, without the punctuation that belongs to the sentence around the address. */
export function bareAddressEnd(text: string, start: number): number {
  let end = addressEnd(text, start);
  while (end > start && NEVER_AT_END.includes(text.charAt(end - 1))) end--;
  return end;
}

/** For a link to a room of this very site, the path within the site; null for all others. */
export function pathInSite(href: string, origin: string): string | null {
  const url = new URL(href);
  if (url.origin !== origin || url.pathname !== "/" || !url.searchParams.has("room")) return null;
  return url.pathname + url.search + url.hash;
}
