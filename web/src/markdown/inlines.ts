/**
 * What stands within a paragraph: marks, code, links. One pass from left to right, linear in time.
 * Whatever does not become markup stays as it was typed.
 */
import { addressEnd, bareAddressEnd, safeAddress } from "./links";
import type { Inline } from "./tree";

/** Deeper marks stay as typed: nobody reads them, and the page would nest elements without end. */
const MAX_DEPTH = 8;

const KINDS = { "*": "emphasis", _: "emphasis", "**": "strong", "~~": "strike" } as const;
const PLAIN = /[^\\`*_~[\]hH¯]+/y;
const SCHEME = /https?:\/\//iy;
const TICKS = /`+/y;
const RUN = /\*+|_+|~+/y;
const ESCAPE = /\\(?:[*_~`[\]]|(?<=^[ \t]*\\)[->])/my;
const SHRUG = /¯\\_\(ツ\)_\/¯/y;

/** Letters and digits of scripts that put spaces between words: in snake_case and 2*3*4 no mark begins or ends. */
const WORD = String.raw`(?!\p{scx=Han}|\p{scx=Hira}|\p{scx=Kana}|\p{scx=Hang}|\p{scx=Thai}|\p{scx=Laoo}|\p{scx=Khmr}|\p{scx=Mymr})[\p{L}\p{M}\p{N}]`;
const WORD_BEFORE = new RegExp(`${WORD}$`, "u");
const WORD_AFTER = new RegExp(`^${WORD}`, "u");
/** A face such as `*_*` or `*^*` is no emphasis. */
const MORE_THAN_A_FACE = /[^\p{P}\p{Sc}\p{Sk}\p{Sm}\s]/u;

type Mark = keyof typeof KINDS;

/** A mark or bracket that may yet find its other half. */
interface Opener {
  mark: Mark | "[";
  /** Where in `nodes` its own text stands. */
  node: number;
  /** Where in the source it ends. */
  end: number;
  /** How deeply nested is what was built behind it. */
  depth: number;
}

export function parseInlines(source: string): Inline[] {
  return new InlineParser(source).parse();
}

class InlineParser {
  private at = 0;
  private readonly nodes: Inline[] = [];
  private readonly openers: Opener[] = [];
  /** The same openers by mark, so that the nearest is found without a search. */
  private readonly waiting: Record<Opener["mark"], Opener[]> = {
    "*": [],
    _: [],
    "**": [],
    "~~": [],
    "[": [],
  };
  /** Where more than a face was last said. */
  private saidAt = -1;
  /** Where a link last ended. Links do not nest, and a label that is an address cannot lie about its target. */
  private linkedAt = -1;
  private readonly codeEnds: Map<number, number>;

  constructor(private readonly source: string) {
    this.codeEnds = pairTicks(source);
  }

  parse(): Inline[] {
    while (this.at < this.source.length) this.step();
    return joinTexts(this.nodes);
  }

  private step(): void {
    switch (this.source.charAt(this.at)) {
      case "\\":
        return this.backslash();
      case "`":
        return this.code();
      case "*":
      case "_":
      case "~":
        return this.run();
      case "[":
        return this.open("[");
      case "]":
        return this.closeBracket();
      case "h":
      case "H":
        return this.address();
      case "¯":
        return this.text(this.match(SHRUG) || 1);
      default:
        return this.text(this.match(PLAIN));
    }
  }

  /** Only what could be markup is escaped, so that `C:\path`, `\\server` and `\d` stay as typed. */
  private backslash(): void {
    if (this.match(ESCAPE)) this.at++;
    this.text(1);
  }

  private code(): void {
    const ticks = this.match(TICKS);
    const end = this.codeEnds.get(this.at);
    if (end === undefined) return this.text(ticks);
    const text = this.source.slice(this.at + ticks, end);
    // One space at each side lets code begin and end with a backtick.
    const padded = text.startsWith(" ") && text.endsWith(" ") && text.trim() !== "";
    this.add({ kind: "code", text: padded ? text.slice(1, -1) : text }, end + ticks);
  }

  private address(): void {
    const inWord = /[a-z0-9]/i.test(this.source.charAt(this.at - 1));
    if (inWord || !this.match(SCHEME)) return this.text(1);
    const end = bareAddressEnd(this.source, this.at);
    const text = this.source.slice(this.at, end);
    const href = safeAddress(text);
    // What is no address after all is passed over whole, else many of them would be read again and again.
    if (href === null) return this.text(text.length);
    this.add({ kind: "link", href, children: [{ kind: "text", text }] }, end);
    this.linkedAt = end;
  }

  private run(): void {
    const run = this.source.slice(this.at, this.at + this.match(RUN));
    const before = this.source.slice(Math.max(this.at - 2, 0), this.at);
    const after = this.source.slice(this.at + run.length, this.at + run.length + 2);
    const closes = /\S$/.test(before) && !WORD_AFTER.test(after);
    const opens = /^\S/.test(after) && !WORD_BEFORE.test(before);
    for (const mark of this.marksOf(run)) {
      if (closes && this.close(mark)) continue;
      if (opens) this.open(mark);
      else this.text(mark.length);
    }
    // A run that is no mark, such as `__` or `****`.
    if (this.marksOf(run).length === 0) this.text(run.length);
  }

  /** Three stars are two marks; the one that was opened last is closed first. */
  private marksOf(run: string): Mark[] {
    if (run !== "***") return isMark(run) ? [run] : [];
    const one = this.waiting["*"].at(-1)?.end ?? -1;
    const two = this.waiting["**"].at(-1)?.end ?? -1;
    return one > two ? ["*", "**"] : ["**", "*"];
  }

  private open(mark: Opener["mark"]): void {
    const opener = { mark, node: this.nodes.length, end: this.at + mark.length, depth: 0 };
    this.openers.push(opener);
    this.waiting[mark].push(opener);
    this.text(mark.length);
  }

  private close(mark: Mark): boolean {
    const opener = this.waiting[mark].at(-1);
    if (!opener || this.saidAt < opener.end) return false;
    const depth = this.dropTo(opener) + 1;
    if (depth > MAX_DEPTH) return false;
    this.wrap(opener, depth, this.at + mark.length, (children) => ({ kind: KINDS[mark], children }));
    return true;
  }

  private closeBracket(): void {
    const opener = this.waiting["["].at(-1);
    if (!opener) return this.text(1);
    const depth = this.dropTo(opener) + 1;
    const labelled = this.at > opener.end && this.linkedAt < opener.end && depth <= MAX_DEPTH;
    if (!labelled || this.source.charAt(this.at + 1) !== "(") return this.text(1);
    const start = this.at + 2;
    const end = addressEnd(this.source, start);
    const href = this.source.charAt(end) === ")" ? safeAddress(this.source.slice(start, end)) : null;
    if (href === null) return this.text(end - this.at);
    this.wrap(opener, depth, end + 1, (children) => ({ kind: "link", href, children }));
    this.linkedAt = end;
  }

  /** Takes the opener and all behind it, which stay as typed, from the stack, and tells how deep it is there. */
  private dropTo(opener: Opener): number {
    let depth = 0;
    let dropped: Opener | undefined;
    do {
      dropped = this.openers.pop();
      if (!dropped) break;
      this.waiting[dropped.mark].pop();
      depth = Math.max(depth, dropped.depth);
    } while (dropped !== opener);
    this.deepen(depth);
    return depth;
  }

  /** Makes one node of what stands since the opener. */
  private wrap(opener: Opener, depth: number, end: number, node: (children: Inline[]) => Inline): void {
    const children = joinTexts(this.nodes.splice(opener.node + 1));
    this.nodes.pop();
    this.add(node(children), end);
    this.deepen(depth);
  }

  private deepen(depth: number): void {
    const around = this.openers.at(-1);
    if (around) around.depth = Math.max(around.depth, depth);
  }

  private add(node: Inline, end: number): void {
    this.nodes.push(node);
    this.saidAt = this.at;
    this.at = end;
  }

  private text(length: number): void {
    const text = this.source.slice(this.at, this.at + length);
    if (MORE_THAN_A_FACE.test(text)) this.saidAt = this.at;
    this.nodes.push({ kind: "text", text });
    this.at += length;
  }

  /** How much of the source the pattern takes from here. */
  private match(pattern: RegExp): number {
    pattern.lastIndex = this.at;
    return pattern.exec(this.source)?.[0].length ?? 0;
  }
}

function isMark(run: string): run is Mark {
  return Object.hasOwn(KINDS, run);
}

/** For each place where backticks begin, where as many of them come next. */
function pairTicks(source: string): Map<number, number> {
  const ends = new Map<number, number>();
  const last = new Map<number, number>();
  for (const { 0: ticks, index } of source.matchAll(/`+/g)) {
    const start = last.get(ticks.length);
    if (start !== undefined) ends.set(start, index);
    last.set(ticks.length, index);
  }
  return ends;
}

function joinTexts(nodes: Inline[]): Inline[] {
  const joined: Inline[] = [];
  for (const node of nodes) {
    const last = joined.at(-1);
    if (node.kind === "text" && last?.kind === "text") last.text += node.text;
    else joined.push(node);
  }
  return joined;
}
