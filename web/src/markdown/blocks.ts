/**
 * From the body of a message to its syntax tree: a small Markdown made for chat. Lines break where
 * they were broken; there are no headings, tables, images or HTML, whose characters stay as typed.
 */
import { isEmojiOnly } from "./emojiOnly";
import { parseInlines } from "./inlines";
import type { Block, Item, Markdown } from "./tree";

/** Quotes and lists within each other; what is deeper stays as typed. */
const MAX_DEPTH = 4;

/** Lines indented by this much more than an item's mark belong to the item. */
const ITEM_INDENT = 2;
const TAB = 4;

const LINE_BREAK = /\r\n|\r|\n/;
const FENCE = /^ {0,3}(`{3,})([^`]*)$/;
/** The space tells a quote from a face such as `>:(`. */
const QUOTE = /^ {0,3}>(?: |$)/;
/** The number is kept, so it must be one that can be shown as it was typed. */
const ITEM = /^[ \t]*(?:[-*]|(0|[1-9]\d{0,8})\.)[ \t]+(?=\S)/;

export function parseMarkdown(body: string): Markdown {
  return { blocks: parseBlocks(body.split(LINE_BREAK), 1), emojiOnly: isEmojiOnly(body) };
}

function parseBlocks(lines: string[], depth: number): Block[] {
  return new BlockParser(lines, depth).parse();
}

class BlockParser {
  private at = 0;

  constructor(
    private readonly lines: string[],
    private readonly depth: number,
  ) {}

  parse(): Block[] {
    const blocks: Block[] = [];
    while (this.at < this.lines.length) {
      if (isBlank(this.line(this.at))) this.at++;
      else blocks.push(this.block());
    }
    return blocks;
  }

  private block(): Block {
    if (this.isFence(this.at)) return this.fence();
    if (this.isQuote(this.at)) return this.quote();
    if (this.isItem(this.at)) return this.list();
    return this.paragraph();
  }

  /** Code up to the closing fence; to the end of the message, if that was forgotten. */
  private fence(): Block {
    const [, ticks = "", language = ""] = FENCE.exec(this.line(this.at)) ?? [];
    const start = this.at + 1;
    let end = start;
    while (end < this.lines.length && !closesFence(this.line(end), ticks)) end++;
    this.at = end + 1;
    return { kind: "code", language: language.trim(), text: this.lines.slice(start, end).join("\n") };
  }

  private quote(): Block {
    const quoted: string[] = [];
    for (; this.isQuote(this.at); this.at++) quoted.push(this.line(this.at).replace(QUOTE, ""));
    return { kind: "quote", blocks: parseBlocks(quoted, this.depth + 1) };
  }

  private list(): Block {
    const column = indent(this.line(this.at));
    const ordered = itemNumber(this.line(this.at)) !== null;
    const items: Item[] = [];
    while (this.isItem(this.at) && this.isSibling(this.at, column, ordered)) items.push(this.item(column));
    return { kind: "list", ordered, items };
  }

  /** The line of the mark, and the indented lines below it. */
  private item(column: number): Item {
    const line = this.line(this.at++);
    const mark = ITEM.exec(line)?.[0] ?? "";
    const lines = [line.slice(mark.length)];
    const ordered = itemNumber(line) !== null;
    for (;;) {
      let next = this.at;
      while (next < this.lines.length && isBlank(this.line(next))) next++;
      const belongs = next < this.lines.length && indent(this.line(next)) >= column + ITEM_INDENT;
      // Blank lines between two items belong to neither.
      if (!belongs && this.isItem(next) && this.isSibling(next, column, ordered)) this.at = next;
      if (!belongs) break;
      for (; this.at < next; this.at++) lines.push("");
      lines.push(dedent(this.line(this.at++), mark.length));
    }
    return { number: itemNumber(line), blocks: parseBlocks(lines, this.depth + 1) };
  }

  private paragraph(): Block {
    const start = this.at++;
    while (this.at < this.lines.length && !this.endsParagraph(this.at)) this.at++;
    return { kind: "paragraph", children: parseInlines(this.lines.slice(start, this.at).join("\n")) };
  }

  private endsParagraph(at: number): boolean {
    return isBlank(this.line(at)) || this.isFence(at) || this.isQuote(at) || this.isItem(at);
  }

  /** A fence with nothing behind it is just backticks. */
  private isFence(at: number): boolean {
    return at + 1 < this.lines.length && FENCE.test(this.line(at));
  }

  private isQuote(at: number): boolean {
    return this.depth < MAX_DEPTH && QUOTE.test(this.line(at));
  }

  private isItem(at: number): boolean {
    return this.depth < MAX_DEPTH && ITEM.test(this.line(at));
  }

  private isSibling(at: number, column: number, ordered: boolean): boolean {
    const line = this.line(at);
    return indent(line) < column + ITEM_INDENT && (itemNumber(line) !== null) === ordered;
  }

  private line(at: number): string {
    return this.lines[at] ?? "";
  }
}

function isBlank(line: string): boolean {
  return line.trim() === "";
}

function closesFence(line: string, ticks: string): boolean {
  const closing = line.trim();
  return closing.startsWith(ticks) && /^`+$/.test(closing);
}

function itemNumber(line: string): number | null {
  const number = ITEM.exec(line)?.[1];
  return number === undefined ? null : Number(number);
}

/** How far in the line begins, in columns. */
function indent(line: string): number {
  const space = /^[ \t]*/.exec(line)?.[0] ?? "";
  return space.replaceAll("\t", " ".repeat(TAB)).length;
}

/** The line without up to so many columns of what indents it. */
function dedent(line: string, columns: number): string {
  return line.replace(/^[ \t]*/, " ".repeat(Math.max(indent(line) - columns, 0)));
}
