// @vitest-environment jsdom
import { flushSync, mount, unmount } from "svelte";
import { afterEach, describe, expect, test } from "vitest";
import Markdown from "./Markdown.svelte";

let mounted: Record<string, unknown> | undefined;

function render(body: string): HTMLElement {
  mounted = mount(Markdown, { target: document.body, props: { body } });
  flushSync();
  const element = document.querySelector<HTMLElement>(".markdown");
  if (!element) throw new Error("nothing was rendered");
  return element;
}

function renderLink(body: string): HTMLAnchorElement {
  const link = render(body).querySelector("a");
  if (!link) throw new Error("no link was rendered");
  return link;
}

afterEach(async () => {
  if (mounted) await unmount(mounted);
  mounted = undefined;
});

describe("a message in the page", () => {
  test("has no white space but its author's", () => {
    const paragraph = render("a **b** `c`\n  d (~~e~~)https://example.com !").querySelector("p");
    expect(paragraph?.textContent).toBe("a b c\n  d (e)https://example.com !");
  });

  test("shows code, lists and quotes as what they are", () => {
    const element = render("```js\n x\n```\n3. c\n- d\n\n> e");
    expect(element.querySelector("figcaption")?.textContent).toBe("js");
    expect(element.querySelector("pre")?.textContent).toBe(" x");
    expect(element.querySelector("ol > li")?.getAttribute("value")).toBe("3");
    expect(element.querySelector("ul > li")?.textContent).toBe("d");
    expect(element.querySelector("blockquote > p")?.textContent).toBe("e");
  });

  test("is large when it is an emoji", () => {
    expect(render("🎉").classList).toContain("emoji-only");
  });

  test("reads in the direction of its script", () => {
    expect(render("שלום").querySelector("p")?.dir).toBe("auto");
  });

  test("opens other sites in another tab that knows nothing of this one", () => {
    const link = renderLink("https://example.com");
    expect(link.target).toBe("_blank");
    expect(link.rel).toBe("noopener noreferrer nofollow");
  });

  test("opens rooms of this site in place", () => {
    const path = "/?room=0b8e4d4e-6f0a-4c5e-9a52-3f6f1f0c8a11";
    const link = renderLink(`come to ${location.origin}${path}`);
    expect(link.getAttribute("href")).toBe(path);
    expect(link.target).toBe("");
  });
});

/** The elements and attributes that a message may consist of. */
const ELEMENTS = "div p strong em s code a pre figure figcaption blockquote ol ul li"
  .toUpperCase()
  .split(" ");
const ATTRIBUTES = ["class", "dir", "href", "target", "rel", "value"];

const ATTACKS = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg/onload=alert(1)>",
  "<svg><script href=data:,alert(1) />",
  "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
  "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
  "<a href='javascript:alert(1)'>x</a>",
  '"><script>alert(1)</script>',
  "'-alert(1)-'",
  "${alert(1)} {{alert(1)}} {@html '<b>'}",
  "<!--<img src='--><img src=x onerror=alert(1)//'>",
  "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
  "&lt;script&gt;alert(1)&lt;/script&gt; &#60;b&#62;",
  "[x](javascript:alert(1))",
  "[x](javascript&colon;alert(1))",
  "[x](javascript&#58;alert(1))",
  "[x](\\javascript:alert(1))",
  "[x](JAVASCRIPT:alert`1`)",
  "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
  "[x](vbscript:msgbox(1))",
  '[x](https://example.com"onmouseover="alert(1))',
  "[x](https://example.com' onclick='alert(1))",
  '![x](https://example.com/x.png"onload="alert(1))',
  '!["onerror="alert(1)](x)',
  "<javascript:alert(1)>",
  "[a]: javascript:alert(1)\n[a]",
  'https://example.com/"onmouseover=alert(1)',
  "https://example.com/<script>alert(1)</script>",
  "https://example.com/%22%3E%3Cscript%3Ealert(1)",
  "`<script>alert(1)</script>`",
  '```"><script>alert(1)</script>\n</code></pre><script>alert(1)</script>\n```',
  "```html\n<img src=x onerror=alert(1)>\n```",
  "> <script>alert(1)</script>\n- <img src=x onerror=alert(1)>\n1. <svg onload=alert(1)>",
  "**<b onclick=alert(1)>**",
  "__proto__ constructor [__proto__](https://example.com/__proto__)",
  "\u202ehttps://example.com/\u202egnp.exe",
  "\0<script\0>alert(1)</script>",
];

describe("an attack on the page", () => {
  test.each(ATTACKS)("%j becomes text", (attack) => {
    const element = render(attack);
    for (const child of element.querySelectorAll("*")) {
      expect(ELEMENTS).toContain(child.tagName);
      for (const { name } of child.attributes) expect(ATTRIBUTES).toContain(name);
    }
    for (const link of element.querySelectorAll("a")) expect(link.protocol).toMatch(/^(https?|mailto):$/);
    expect(document.querySelector("script, img, svg, iframe")).toBeNull();
  });
});
