// Text stays text, whatever it is.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Parlor } from "../world/parlor.js";
import { Person } from "../world/person.js";
import { Program } from "../world/program.js";

const HOSTILE = [
  `<script>alert(1)</script>`,
  `<img src=x onerror=alert(1)>`,
  `"><svg onload=alert(1)>`,
  `<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>`,
  `<style>*{display:none}</style>`,
  `<base href="//evil.example/"><form action=/api/logout><input autofocus onfocus=alert(1)>`,
  `[press](javascript:alert(1)) [press](JaVaScRiPt&colon;alert(1)) [press](data:text/html,<script>alert(1)</script>)`,
  `[press](vbscript:x) [press](java\tscript:alert(1)) <javascript:alert(1)> javascript:alert(1)`,
  `![x](x"onerror="alert(1)) [a](https://x"onmouseover="alert(1)) [a](https://x' onclick='alert(1))`,
  `https://bank.example@evil.example https://x/"><script>alert(1)</script>`,
  '```"><img src=x onerror=alert(1)>\n</code></pre><script>alert(1)</script>\n```',
  "`<img src=x onerror=alert(1)>` **<b onclick=alert(1)>** > <img src=x onerror=alert(1)>",
  `{@html alert(1)} {{constructor.constructor('alert(1)')()}} \${alert(1)}`,
  `&lt;script&gt;alert(1)&lt;/script&gt; &#60;img src=x onerror=alert(1)&#62;`,
  `</title><script>alert(1)</script> </textarea><script>alert(1)</script>`,
  `\u202Egnp.exe\u202C <a href=//evil.example>bank</a>`,
];

/** All that a message may be made of. */
const EXPECTED = new Set(
  "A BDI BLOCKQUOTE CODE DIV EM FIGCAPTION FIGURE LI OL P PRE S SPAN STRONG TIME UL".split(" "),
);

test("hostile messages, rooms and names are shown as the text they are", async (t) => {
  const parlor = await Parlor.start(t);
  const mallory = await Program.register(t, parlor, "mallory");
  for (const name of HOSTILE) await mallory.createRoom(name).catch(refused);
  const room = await mallory.createRoom(HOSTILE[1]);
  await mallory.say(room, ...HOSTILE);
  for (const name of HOSTILE) {
    const other = await Program.register(t, parlor, name.slice(0, 32)).catch(refused);
    await other?.enter(room);
    await other?.say(room, "I am here too.");
  }

  const alice = await Person.arrive(t, parlor, "alice", { path: `/?room=${room}` });
  await alice.register();
  await alice.isIn(HOSTILE[1]);
  await alice.reads("bank.example@evil.example");
  assert.equal(await alice.page.title(), `${HOSTILE[1]} · Parlor`);
  const shown = (await alice.bodies()).join("\n");
  for (const text of ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "&lt;script&gt;"]) {
    assert.ok(shown.includes(text), `${text} is shown as it is`);
  }

  const tags = await alice.log.locator("article *").evaluateAll((all) => all.map((one) => one.tagName));
  assert.deepEqual(
    [...new Set(tags)].filter((tag) => !EXPECTED.has(tag)),
    [],
  );
  const links = await alice.page.locator("a").evaluateAll((all) => all.map((one) => one.href));
  for (const link of links) assert.match(link, /^https?:/);
  const handlers = await alice.page
    .locator("*")
    .evaluateAll((all) =>
      all.flatMap((one) => one.getAttributeNames()).filter((name) => name.startsWith("on")),
    );
  assert.deepEqual(handlers, []);

  for (const link of await alice.message("press").locator("a:not(.time)").all()) await link.click();
  await alice.press("Control+K");
  await alice.dialog("Go to a room").getByText(HOSTILE[1]).first().waitFor();
});

test("the page's security policy stops what would get past it", async (t) => {
  const parlor = await Parlor.start(t);
  const alice = await Person.registered(t, parlor, "alice");
  const ran = await alice.page.evaluate(() => {
    const script = document.createElement("script");
    const attempts = [
      () => (document.body.innerHTML = "<img src=x onerror='window.ran = true'>"),
      () => (script.textContent = "window.ran = true"),
      () => (script.append("window.ran = true"), document.body.append(script)),
    ];
    for (const attempt of attempts) {
      try {
        attempt();
      } catch {
        // Stopped where it began.
      }
    }
    return window.ran;
  });
  assert.equal(ran, undefined);
  await alice.isInside();
  assert.match(alice.forgive().join(), /require-trusted-types-for was violated/);
});

/** The server may well refuse it; then nobody is shown it. */
function refused() {
  return null;
}
