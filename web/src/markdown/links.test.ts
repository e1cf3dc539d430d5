import { describe, expect, test } from "vitest";
import { parseMarkdown } from "./blocks";
import { pathInSite, safeAddress } from "./links";
import { addresses, sketch } from "./testing";

function read(body: string): string {
  return sketch(parseMarkdown(body).blocks);
}

describe("addresses in running text", () => {
  test.each([
    ["https://example.com.", "https://example.com"],
    ["(see https://example.com/a_(b))", "https://example.com/a_(b)"],
    ['"http://example.com/?q=1&r[]=2#x",', "http://example.com/?q=1&r[]=2#x"],
    ["<https://example.com/>", "https://example.com/"],
    ["**https://example.com**", "https://example.com"],
    ["_https://example.com/snake_case_", "https://example.com/snake_case"],
    ["really: https://example.com/a,b;c?!", "https://example.com/a,b;c"],
    ["看https://example.com/路径。好", "https://example.com/路径"],
    ["https://example.com’s", "https://example.com"],
    ["https://example.com/a…", "https://example.com/a"],
    ["[https://example.com]", "https://example.com"],
    ["http://[::1]:3000/x", "http://[::1]:3000/x"],
    ["HTTPS://EXAMPLE.COM/A", "HTTPS://EXAMPLE.COM/A"],
    ["https://example.com/🎉!", "https://example.com/🎉"],
  ])("in %s the address is %s", (body, address) => {
    expect(addresses(parseMarkdown(body).blocks)).toEqual([new URL(address).href]);
    expect(read(body)).toContain(`>${address}</a>`);
  });

  test("what only looks like an address stays as typed", () => {
    for (const body of [
      "www.example.com",
      "mailto:a@example.com",
      "https://",
      "http://.",
      "xhttps://example.com",
      "https:/a",
      "http",
    ]) {
      expect(read(body)).toBe(body);
    }
  });
});

describe("links with a label", () => {
  test("a label links to its address", () => {
    expect(read("[the *page*](https://example.com/a_(b)) and")).toBe(
      "<a https://example.com/a_(b)>the <i>page</i></a> and",
    );
    expect(read("[write](mailto:alice@example.com)")).toBe("<a mailto:alice@example.com>write</a>");
    expect(read("[a [b] c](https://example.com)")).toBe("<a https://example.com/>a [b] c</a>");
  });

  test("brackets that make no link stay as typed", () => {
    for (const body of [
      "[a]",
      "[ ] task",
      "a[0](1)",
      "[](https://example.com",
      "[a](",
      "[a] (b)",
      "[a](b c)",
      "](",
    ]) {
      expect(sketch(parseMarkdown(body).blocks).replaceAll(/<\/?a[^>]*>/g, "")).toBe(body);
    }
  });

  test("a label that is an address cannot hide another", () => {
    expect(addresses(parseMarkdown("[https://bank.example](https://evil.example)").blocks)).toEqual([
      "https://bank.example/",
      "https://evil.example/",
    ]);
  });

  test("links do not nest", () => {
    expect(read("[a [b](https://b.example) c](https://c.example)")).toBe(
      "[a <a https://b.example/>b</a> c](<a https://c.example/>https://c.example</a>)",
    );
  });
});

describe("the allow-list", () => {
  test.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    " javascript:alert(1)",
    "\u0001javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://example.com/1",
    "about:blank",
    "//example.com",
    "/relative",
    "",
    "https://alice@evil.example",
    "https://bank.example:x@evil.example",
  ])("refuses %j", (address) => {
    expect(safeAddress(address)).toBeNull();
    expect(addresses(parseMarkdown(`[label](${address})`).blocks)).toEqual([]);
  });

  test("lets http, https and mailto pass", () => {
    expect(safeAddress("http://example.com")).toBe("http://example.com/");
    expect(safeAddress("https://例え.example/ü")).toBe("https://xn--r8jz45g.example/%C3%BC");
    expect(safeAddress("mailto:alice@example.com")).toBe("mailto:alice@example.com");
  });
});

describe("links to this site", () => {
  const room = "/?room=0b8e4d4e-6f0a-4c5e-9a52-3f6f1f0c8a11";

  test("a room of this site is opened in the page", () => {
    expect(pathInSite(`https://parlor.example${room}`, "https://parlor.example")).toBe(room);
    expect(pathInSite(`https://parlor.example${room}#7`, "https://parlor.example")).toBe(`${room}#7`);
  });

  test("everything else is another page", () => {
    for (const href of [
      `https://evil.example${room}`,
      `http://parlor.example${room}`,
      "https://parlor.example/",
      "https://parlor.example/x?room=1",
      "mailto:a@parlor.example",
    ]) {
      expect(pathInSite(href, "https://parlor.example")).toBeNull();
    }
  });
});
