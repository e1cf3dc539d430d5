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
/** Many people close the fence at the end of the last line. */
const CLOSING_FENCE = /^([^`]*)(`{3,})\s*$/;
/** The space tells a quote from a face such as `>:(`. */
const QUOTE = /^ {0,3}>(?: |$)/;
/** The number is kept, so it must be one that can be shown as it was typed. */
const ITEM = /^[ \t]*(?:[-*]|(0|[1-9]\d{0,8})\.)[ \t]+(?=\S)/;

/** What begins an item: its dash or number, with the space before and behind. */
interface Mark {
  length: number;
  column: number;
  number: number | null;
}

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
    const mark = this.mark(this.at);
    return mark ? this.list(mark) : this.paragraph();
  }

  /** Code up to the closing fence; to the end of the message, if that was forgotten. */
  private fence(): Block {
    const [, ticks = "", language = ""] = FENCE.exec(this.line(this.at++)) ?? [];
    const code: string[] = [];
    while (this.at < this.lines.length) {
      const line = this.line(this.at++);
      const [, before, closing = ""] = CLOSING_FENCE.exec(line) ?? [];
      if (before === undefined || closing.length < ticks.length) {
        code.push(line);
        continue;
      }
      if (!isBlank(before)) code.push(before);
      break;
    }
    return { kind: "code", language: language.trim(), text: code.join("\n") };
  }

  private quote(): Block {
    const quoted: string[] = [];
    for (; this.isQuote(this.at); this.at++) quoted.push(this.line(this.at).replace(QUOTE, ""));
    return { kind: "quote", blocks: parseBlocks(quoted, this.depth + 1) };
  }

  private list(first: Mark): Block {
    const items: Item[] = [];
    for (let mark: Mark | null = first; mark && isSibling(first, mark); mark = this.mark(this.at)) {
      items.push(this.item(mark, first));
    }
    return { kind: "list", ordered: first.number !== null, items };
  }

  /** The line of the mark, and the indented lines below it. */
  private item(mark: Mark, first: Mark): Item {
    const lines = [this.line(this.at++).slice(mark.length)];
    for (;;) {
      const next = this.afterBlanks();
      if (next < this.lines.length && indent(this.line(next)) >= mark.column + ITEM_INDENT) {
        for (; this.at < next; this.at++) lines.push("");
        lines.push(dedent(this.line(this.at++), mark.length));
        continue;
      }
      // Blank lines between two items belong to neither.
      const following = next > this.at ? this.mark(next) : null;
      if (following && isSibling(first, following)) this.at = next;
      return { number: mark.number, blocks: parseBlocks(lines, this.depth + 1) };
    }
  }

  private paragraph(): Block {
    const start = this.at++;
    while (this.at < this.lines.length && !this.endsParagraph(this.at)) this.at++;
    return { kind: "paragraph", children: parseInlines(this.lines.slice(start, this.at).join("\n")) };
  }

  private endsParagraph(at: number): boolean {
    return isBlank(this.line(at)) || this.isFence(at) || this.isQuote(at) || this.mark(at) !== null;
  }

  /** A fence with nothing behind it is just backticks. */
  private isFence(at: number): boolean {
    return at + 1 < this.lines.length && FENCE.test(this.line(at));
  }

  private isQuote(at: number): boolean {
    return this.depth < MAX_DEPTH && QUOTE.test(this.line(at));
  }

  private mark(at: number): Mark | null {
    const line = this.line(at);
    const [mark, number] = (this.depth < MAX_DEPTH && ITEM.exec(line)) || [];
    if (mark === undefined) return null;
    return {
      length: mark.length,
      column: indent(line),
      number: number === undefined ? null : Number(number),
    };
  }

  private afterBlanks(): number {
    let next = this.at;
    while (next < this.lines.length && isBlank(this.line(next))) next++;
    return next;
  }

  private line(at: number): string {
    return this.lines[at] ?? "";
  }
}

function isBlank(line: string): boolean {
  return line.trim() === "";
}

/** Whether two marks are of one list. */
function isSibling(first: Mark, mark: Mark): boolean {
  return mark.column < first.column + ITEM_INDENT && (mark.number === null) === (first.number === null);
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
