/** How the tests write a tree down, so that an expectation fits on a line. */
import type { Block, Inline } from "./tree";

const MARKS = { strong: "b", emphasis: "i", strike: "s" } as const;

/** `<b>…</b>` for a strong text and so on; text stands as it is. */
export function sketch(blocks: Block[]): string {
  return blocks.map(sketchBlock).join("|");
}

function sketchBlock(block: Block): string {
  switch (block.kind) {
    case "paragraph":
      return block.children.map(sketchInline).join("");
    case "code":
      return `<pre ${block.language}>${block.text}</pre>`;
    case "quote":
      return `<quote>${sketch(block.blocks)}</quote>`;
    case "list":
      return `<list>${block.items.map((item) => `<${String(item.number ?? "-")}>${sketch(item.blocks)}`).join("")}</list>`;
  }
}

function sketchInline(node: Inline): string {
  switch (node.kind) {
    case "text":
      return node.text;
    case "code":
      return `<code>${node.text}</code>`;
    case "link":
      return `<a ${node.href}>${node.children.map(sketchInline).join("")}</a>`;
    default:
      return `<${MARKS[node.kind]}>${node.children.map(sketchInline).join("")}</${MARKS[node.kind]}>`;
  }
}

/** Everything a reader is shown: the text, the numbers of items and the languages of code. */
export function shown(blocks: Block[]): string {
  return blocks.map(shownBlock).join("\n");
}

function shownBlock(block: Block): string {
  switch (block.kind) {
    case "paragraph":
      return block.children.map(shownInline).join("");
    case "code":
      return `${block.language}\n${block.text}`;
    case "quote":
      return shown(block.blocks);
    case "list":
      return block.items.map((item) => `${String(item.number ?? "-")} ${shown(item.blocks)}`).join("\n");
  }
}

function shownInline(node: Inline): string {
  return "text" in node ? node.text : node.children.map(shownInline).join("");
}

/** Every address in the tree. */
export function addresses(blocks: Block[]): string[] {
  return blocks.flatMap((block) => {
    switch (block.kind) {
      case "paragraph":
        return block.children.flatMap(addressesIn);
      case "code":
        return [];
      case "quote":
        return addresses(block.blocks);
      case "list":
        return block.items.flatMap((item) => addresses(item.blocks));
    }
  });
}

function addressesIn(node: Inline): string[] {
  if ("text" in node) return [];
  const inner = node.children.flatMap(addressesIn);
  return node.kind === "link" ? [node.href, ...inner] : inner;
}

/** How many elements stand within each other at most. */
export function depthOf(node: Block | Inline): number {
  const children: (Block | Inline)[] =
    "children" in node
      ? node.children
      : "blocks" in node
        ? node.blocks
        : "items" in node
          ? node.items.flatMap((item) => item.blocks)
          : [];
  return 1 + Math.max(0, ...children.map(depthOf));
}
