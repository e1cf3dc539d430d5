/** What a message's body means: the syntax tree between the parser and the page. */

/** A whole message. */
export interface Markdown {
  blocks: Block[];
  /** Nothing but a few emoji: shown large. */
  emojiOnly: boolean;
}

export type Block =
  | { kind: "paragraph"; children: Inline[] }
  | { kind: "code"; language: string; text: string }
  | { kind: "quote"; blocks: Block[] }
  | { kind: "list"; ordered: boolean; items: Item[] };

/** An item keeps the number its author gave it: "3." stays a 3, whatever stood before. */
export interface Item {
  number: number | null;
  blocks: Block[];
}

/** Line breaks are "\n" in `text`; the page shows white space as it was typed. */
export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong" | "emphasis" | "strike"; children: Inline[] }
  | { kind: "link"; href: string; children: Inline[] };
