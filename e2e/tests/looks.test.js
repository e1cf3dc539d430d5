// Light and dark, wide and narrow, and open to everybody.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Parlor } from "../world/parlor.js";
import { Person } from "../world/person.js";
import { PASSWORD, Program } from "../world/program.js";

const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

test("the theme follows the system until one is chosen, and the choice is kept", async (t) => {
  const parlor = await Parlor.start(t);
  const alice = await Person.registered(t, parlor, "alice", { colorScheme: "dark" });
  await showsTheme(alice, "dark");
  await alice.page.emulateMedia({ colorScheme: "light" });
  await showsTheme(alice, "light");

  await alice.account.click();
  await alice.page.getByRole("button", { name: "Dark" }).click();
  await showsTheme(alice, "dark");
  await alice.page.reload();
  await showsTheme(alice, "dark");
  await alice.account.click();
  await alice.page.getByRole("button", { name: "System" }).click();
  await showsTheme(alice, "light");
});

test("a phone shows one pane at a time, and nothing is wider than it", async (t) => {
  const parlor = await Parlor.start(t);
  const bob = await Program.register(t, parlor, "bob");
  const kitchen = await bob.createRoom("Kitchen");
  await bob.say(kitchen, `A long word: ${"m".repeat(200)}`, "```\n" + "code ".repeat(60) + "\n```");
  const alice = await Person.arrive(t, parlor, "alice", PHONE);
  await fits(alice);
  await alice.register();
  await alice.listed("Kitchen").waitFor();
  await fits(alice);
  await alice.listed("Kitchen").tap();
  await alice.isIn("Kitchen");
  await alice.reads("A long word");
  assert.equal(await alice.listed("Kitchen").isVisible(), false);
  await fits(alice);

  await alice.page.getByRole("button", { name: "People in this room" }).tap();
  await alice.seesPeople("Here now", ["alice", "bob"]);
  await fits(alice);
  await alice.page.getByRole("complementary").getByRole("button", { name: "Close" }).tap();
  await alice.page.getByRole("button", { name: "Invite to this room" }).tap();
  await alice.page.getByRole("button", { name: "Copy link" }).waitFor();
  await fits(alice);
  await alice.page.getByRole("button", { name: "Invite to this room" }).tap();

  await alice.composer.fill("From the bus.");
  await alice.page.getByRole("button", { name: "Send" }).tap();
  await alice.reads("From the bus.");
  await alice.page.getByRole("button", { name: "Back to all rooms" }).tap();
  await alice.listed("Kitchen").waitFor();
  assert.equal(await alice.composer.isVisible(), false);
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe-core finds no barrier on any view, ${colorScheme}`, async (t) => {
    const parlor = await Parlor.start(t);
    const alice = await Person.arrive(t, parlor, "alice", { colorScheme });
    const { page } = alice;
    await alice.findsNoBarrier("the door");
    await alice.fillDoor("alice", "short");
    await page.getByRole("alert").waitFor();
    await alice.findsNoBarrier("an error at the door");
    await alice.register();
    await page.getByRole("heading", { name: "Create the first room" }).waitFor();
    await alice.findsNoBarrier("no room yet");
    await alice.createRoom("Kitchen");
    await alice.page.getByText("Kitchen is all yours").waitFor();
    await alice.findsNoBarrier("an empty room");

    const bob = await Program.register(t, parlor, "bob");
    const cellar = await bob.createRoom("Cellar");
    await bob.say(
      cellar,
      "**Bold**, *em*, ~~gone~~, `code`, https://example.org",
      "> quoted\n\n1. one",
      "```js\n1\n```",
    );
    await alice.openRoom("Cellar");
    await alice.reads("Bold");
    await bob.leave(cellar);
    await alice.seesPeople("Recently", ["bob"]);
    await alice.say("Mine.");
    await alice.reads("Mine.");
    await alice.message("Bold").hover();
    await alice.findsNoBarrier("a room");
    await page.goto(`${page.url()}&seq=2`);
    await alice.log.locator(".target").waitFor();
    await alice.findsNoBarrier("a permalink");

    await page.getByRole("button", { name: "Invite to this room" }).click();
    await page.getByRole("button", { name: "Copy link" }).waitFor();
    await alice.findsNoBarrier("an invitation");
    await alice.press("Escape");
    await page.getByRole("button", { name: "Insert an emoji" }).click();
    await alice.findsNoBarrier("the emoji");
    await alice.press("Escape");
    await alice.account.click();
    await alice.findsNoBarrier("the account menu");
    await alice.press("Escape");
    for (const [item, title] of [
      ["Sessions", "Sessions"],
      ["Change password", "Change password"],
      ["Keyboard shortcuts", "Keyboard shortcuts"],
    ]) {
      await alice.chooseInAccountMenu(item);
      await alice.dialog(title).waitFor();
      if (item === "Sessions") await alice.dialog(title).getByText("This one").waitFor();
      await alice.findsNoBarrier(title);
      await alice.press("Escape");
      await alice.dialog(title).waitFor({ state: "detached" });
    }
    await alice.press("Control+K");
    await alice.dialog("Go to a room").waitFor();
    await alice.findsNoBarrier("going to a room");
    await page.keyboard.type("nowhere");
    await alice.findsNoBarrier("going to no room");
    await alice.press("Escape");
    await page.getByRole("button", { name: "Create a room" }).click();
    await alice.dialog("Create a room").waitFor();
    await alice.findsNoBarrier("creating a room");
    await alice.press("Enter");
    await alice.dialog("Create a room").getByRole("alert").waitFor();
    await alice.findsNoBarrier("an error creating a room");
    await alice.press("Escape");

    await bob.enter(cellar);
    await bob.say(cellar, ...Array.from({ length: 80 }, (_, index) => `no. ${index}.`));
    await alice.reads("no. 79.");
    await alice.log.evaluate((log) => (log.scrollTop = 0));
    await page.getByRole("button", { name: "Newest" }).waitFor();
    await bob.say(cellar, "More.");
    await page.getByRole("button", { name: "1 new" }).waitFor();
    await alice.findsNoBarrier("new messages below");
    await alice.say("\u200B");
    await alice.log.getByRole("alert").waitFor();
    await alice.findsNoBarrier("a message that was refused");
    await alice.losesNetwork();
    await page.getByRole("status").getByText("Offline: messages").waitFor();
    await alice.say("Later.");
    await alice.pending("Later.").waitFor();
    await alice.findsNoBarrier("offline");
    await alice.findsNetwork();
    await alice.reads("Later.");
    await page.goto(parlor.at("/?room=nowhere"));
    await page.getByRole("heading", { name: "There is no room" }).waitFor();
    await alice.findsNoBarrier("an unknown room");
    await page.goto(parlor.at("/"));
    await page.getByRole("heading", { name: "Choose a room" }).waitFor();
    await alice.findsNoBarrier("no room chosen");
  });

  test(`axe-core finds no barrier on a phone, ${colorScheme}`, async (t) => {
    const parlor = await Parlor.start(t);
    const alice = await Person.arrive(t, parlor, "alice", { ...PHONE, colorScheme });
    await alice.findsNoBarrier("the door");
    await alice.register();
    await alice.page.getByRole("heading", { name: "Create the first room" }).waitFor();
    await alice.findsNoBarrier("no room yet");
    await alice.createRoom("Kitchen");
    await alice.findsNoBarrier("an empty room");
    await alice.composer.fill("x".repeat(9000));
    await alice.page.getByRole("alert").getByText("Too long").waitFor();
    await alice.findsNoBarrier("a message that is too long");
    await alice.composer.fill("Hello.");
    await alice.page.getByRole("button", { name: "Send" }).tap();
    await alice.reads("Hello.");
    await alice.page.getByRole("button", { name: "People in this room" }).tap();
    await alice.findsNoBarrier("the people");
    await alice.page.getByRole("complementary").getByRole("button", { name: "Close" }).tap();
    await alice.page.getByRole("button", { name: "Back to all rooms" }).tap();
    await alice.listed("Kitchen").waitFor();
    await alice.findsNoBarrier("the list");
  });
}

async function showsTheme(person, theme) {
  await person.until((theme) => {
    const { documentElement } = document;
    const frame = document.querySelector("meta[name=theme-color]").content;
    const wall = getComputedStyle(documentElement).getPropertyValue("--bs-secondary-bg").trim();
    return documentElement.dataset.bsTheme === theme && frame === wall;
  }, theme);
}

/** Nothing has to be scrolled sideways. */
async function fits(person) {
  const wide = await person.page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= PHONE.viewport.width, `the page is ${wide} px wide`);
  const over = await person.page
    .locator("button:visible, input:visible, article:visible")
    .evaluateAll(
      (all, width) =>
        all
          .filter((one) => one.getBoundingClientRect().right > width + 1)
          .map((one) => one.outerHTML.slice(0, 120)),
      PHONE.viewport.width,
    );
  assert.deepEqual(over, []);
}
