import { describe, expect, test } from "vitest";
import { parseMarkdown } from "./blocks";
import { sketch } from "./testing";

function read(body: string): string {
  return sketch(parseMarkdown(body).blocks);
}

function expectAsTyped(...bodies: string[]) {
  for (const body of bodies) expect(read(body)).toBe(body);
}

describe("marks", () => {
  test("stars, underscores and tildes make text bold, italic and struck", () => {
    expect(read("**bold** *italic* _italic_ ~~gone~~")).toBe(
      "<b>bold</b> <i>italic</i> <i>italic</i> <s>gone</s>",
    );
  });

  test("marks nest in either order", () => {
    expect(read("**bold and *both* **")).toBe("**bold and <i>both</i> **");
    expect(read("**bold and *both***")).toBe("<b>bold and <i>both</i></b>");
    expect(read("*italic and **both***")).toBe("<i>italic and <b>both</b></i>");
    expect(read("***both***")).toBe("<b><i>both</i></b>");
    expect(read("~~_**all**_~~")).toBe("<s><i><b>all</b></i></s>");
  });

  test("words with marks in them stay as typed", () => {
    expectAsTyped(
      "snake_case_name",
      "2*3*4",
      "2**3**4",
      "__init__",
      "_private",
      "a * b * c",
      "*.rs and *.ts",
      "~/home ~ 3~~4",
    );
  });

  test("a mark without its other half stays as typed", () => {
    expectAsTyped(
      "*",
      "**",
      "***",
      "**bold*",
      "*open",
      "close*",
      "_ a _",
      "** a**",
      "~strike~",
      "****",
      "a **",
      "[*a]*",
    );
  });

  test("faces stay as typed", () => {
    expectAsTyped(
      "*_*",
      "*.*",
      "(*_*)",
      "*^_^*",
      "-_-",
      ">_<",
      ">:(",
      "¯\\_(ツ)_/¯",
      "o_O and O_o",
      "**!!**",
    );
  });

  test("marks touch punctuation, and letters of scripts without spaces", () => {
    expect(read('(*really*), "**yes**"!')).toBe('(<i>really</i>), "<b>yes</b>"!');
    expect(read("これは**太字**です")).toBe("これは<b>太字</b>です");
    expect(read("이것은 **굵게**는")).toBe("이것은 <b>굵게</b>는");
    expectAsTyped("це*не*курсив", "é*é*é");
  });

  test("a mark ends on a later line of the same paragraph only", () => {
    expect(read("*one\ntwo*")).toBe("<i>one\ntwo</i>");
    expect(read("*one\n\ntwo*")).toBe("*one|two*");
  });

  test("a mark that overlaps another is given up", () => {
    expect(read("*a ~~b* c~~")).toBe("<i>a ~~b</i> c~~");
  });
});

describe("backslashes", () => {
  test("a backslash takes a mark its meaning", () => {
    expect(read("\\*not italic\\* \\`not code\\` \\[not](a-link)")).toBe(
      "*not italic* `not code` [not](a-link)",
    );
    expect(read("\\- no item\n\\> no quote")).toBe("- no item\n> no quote");
  });

  test("any other backslash stays as typed", () => {
    expectAsTyped("C:\\path\\to", "\\\\server\\share", "\\d+\\.\\w", "a \\- b \\> c", "end\\", "\\(x\\)");
  });
});

describe("code", () => {
  test("nothing within code is markup", () => {
    expect(read("`**a** https://example.com \\*`")).toBe("<code>**a** https://example.com \\*</code>");
  });

  test("code holds backticks when more of them stand around it", () => {
    expect(read("``a`b`` and `` ` ``")).toBe("<code>a`b</code> and <code>`</code>");
  });

  test("backticks without their like stay as typed", () => {
    expectAsTyped("`open", "``a`", "a ` b", "```");
  });

  test("a fence keeps its lines and its language", () => {
    expect(read("```rust\nfn main() {\n\n    *x*\n}\n```\nafter")).toBe(
      "<pre rust>fn main() {\n\n    *x*\n}</pre>|after",
    );
    expect(read("````\n```\n````")).toBe("<pre >```</pre>");
    expect(read("```inline```")).toBe("<code>inline</code>");
  });

  test("a fence may be closed at the end of the last line", () => {
    expect(read("```js\na\n  b```\nafter")).toBe("<pre js>a\n  b</pre>|after");
    expect(read("```\n`a` ```\n```")).toBe("<pre >`a` ```</pre>");
  });

  test("a fence that is never closed goes to the end", () => {
    expect(read("look:\n```js\nx\n\ny")).toBe("look:|<pre js>x\n\ny</pre>");
    expect(read("look:\n```")).toBe("look:\n```");
  });
});

describe("lists and quotes", () => {
  test("lines with a dash or a star are a list, and end with the first that has none", () => {
    expect(read("Buy:\n- milk\n* *good* eggs\nthanks")).toBe(
      "Buy:|<list><->milk<-><i>good</i> eggs</list>|thanks",
    );
  });

  test("numbers stay those that were typed", () => {
    expect(read("3. three\n1. one")).toBe("<list><3>three<1>one</list>");
    expectAsTyped("007. Bond", "1) one", "1.5 litres", "12345678901. much");
  });

  test("indented lists nest", () => {
    expect(read("- a\n  - b\n    1. c\n- d")).toBe(
      "<list><->a|<list><->b|<list><1>c</list></list><->d</list>",
    );
    expect(read("1. a\n\t- b\n2. c")).toBe("<list><1>a|<list><->b</list><2>c</list>");
  });

  test("an item goes on in indented lines, and a list across blank ones", () => {
    expect(read("- a\n  more\n\n  ```\n  x\n    y\n  ```\n\n- b\n\nc")).toBe(
      "<list><->a\nmore|<pre >x\n  y</pre><->b</list>|c",
    );
  });

  test("a dash alone is a dash", () => {
    expectAsTyped("-", "- ", "---", "-5 degrees", "-a", "1.");
  });

  test("quotes hold blocks and end with the last line that is quoted", () => {
    expect(read("> a\n> **b**\n>\n> - c\nmine")).toBe("<quote>a\n<b>b</b>|<list><->c</list></quote>|mine");
    expect(read("> > a\n> b")).toBe("<quote><quote>a</quote>|b</quote>");
  });

  test("what nests too deeply stays as typed", () => {
    expect(read("> > > > > a")).toBe("<quote><quote><quote>> > a</quote></quote></quote>");
    expect(read("*_".repeat(6) + "a" + "_*".repeat(6))).toBe(
      "*_*_" + "<i>".repeat(8) + "a" + "</i>".repeat(8) + "_*_*",
    );
  });
});

describe("plain text", () => {
  test("headings, tables, images, rules and HTML stay as typed", () => {
    expectAsTyped(
      "# no heading",
      "| a | b |\n|---|---|",
      "<b>no</b> &amp; <!-- no -->",
      "===",
      "#channel",
      "a & b",
    );
    expect(read("![alt](https://example.com/a.png)")).toBe("!<a https://example.com/a.png>alt</a>");
  });

  test("spaces, tabs and line breaks within a paragraph stay as typed", () => {
    expectAsTyped("a  b\tc\n  d \ne");
  });

  test("every kind of line break is one", () => {
    expect(read("a\r\nb\rc\n\nd")).toBe("a\nb\nc|d");
  });
});

describe("emoji", () => {
  test("a few emoji alone are shown large", () => {
    for (const body of ["😀", "👍🏽", "👩‍👩‍👧‍👦 🇩🇪", "❤️", "1️⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", " 🎉\n🎉 "]) {
      expect(parseMarkdown(body).emojiOnly, body).toBe(true);
    }
  });

  test("emoji with text, digits, nothing, and many emoji are not", () => {
    for (const body of ["😀 hi", "12", "#", "*", "", " ", "😀".repeat(7), "\u200d", "🇩"]) {
      expect(parseMarkdown(body).emojiOnly, body).toBe(false);
    }
  });
});
