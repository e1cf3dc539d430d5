// Two people find each other in a room and talk.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Parlor } from "../world/parlor.js";
import { Person } from "../world/person.js";
import { Program } from "../world/program.js";

test("two people meet in a room by its link, and talk", async (t) => {
  const parlor = await Parlor.start(t);
  const alice = await Person.registered(t, parlor, "alice");
  await alice.page.getByText("you are the administrator").waitFor();
  await alice.createRoom("Kitchen");
  const link = await alice.copyLink();
  assert.match(link, new RegExp(`^${parlor.url}/\\?room=[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-`));

  const bob = await Person.arrive(t, parlor, "bob", { path: link });
  await bob.register();
  await bob.isIn("Kitchen");
  assert.equal(bob.page.url(), link);

  await alice.say("Is there milk?");
  await bob.reads("Is there milk?");
  await bob.say("Half a bottle.");
  await alice.reads("Half a bottle.");
  assert.deepEqual(await alice.bodies(), ["Is there milk?", "Half a bottle."]);
  assert.deepEqual(await bob.bodies(), ["Is there milk?", "Half a bottle."]);
});

test("who follows a link with an account logs in first and is in that room", async (t) => {
  const parlor = await Parlor.start(t);
  const alice = await Program.register(t, parlor, "alice");
  const kitchen = await alice.createRoom("Kitchen");
  await alice.createRoom("Cellar");
  await alice.say(kitchen, "Tea is ready.");

  const link = parlor.at(`/?room=${kitchen}`);
  const here = await Person.arrive(t, parlor, "alice", { path: link });
  await here.page.getByText("you are in the room you were invited to").waitFor();
  assert.equal(await here.page.getByText("Kitchen").count(), 0, "nobody sees a room before they log in");
  await here.logIn();
  await here.isIn("Kitchen");
  await here.reads("Tea is ready.");
  assert.equal(here.page.url(), link);
});

test("what is said in a room is heard in no other", async (t) => {
  const parlor = await Parlor.start(t);
  const alice = await Program.register(t, parlor, "alice");
  const kitchen = await alice.createRoom("Kitchen");
  const cellar = await alice.createRoom("Cellar");
  const bob = await Person.registered(t, parlor, "bob");
  const carol = await Person.registered(t, parlor, "carol");
  await bob.openRoom("Kitchen");
  await carol.openRoom("Cellar");

  await alice.say(kitchen, "The word is mackerel.");
  await bob.reads("The word is mackerel.");
  await alice.say(cellar, "It is cold down here.");
  await carol.reads("It is cold down here.");
  assert.deepEqual(await carol.bodies(), ["It is cold down here."]);
  assert.ok(bob.heard.some((frame) => frame.includes("mackerel")));
  assert.ok(!carol.heard.some((frame) => frame.includes("mackerel")));
});

test("a message shows at once as being on its way, and becomes one of the log", async (t) => {
  const parlor = await Parlor.start(t);
  const alice = await Person.registered(t, parlor, "alice");
  await alice.createRoom("Kitchen");
  parlor.freeze();
  await alice.say("Is anybody here?");
  await alice.pending("Is anybody here?").waitFor();
  assert.equal(await alice.composer.inputValue(), "");
  parlor.thaw();
  await alice.reads("Is anybody here?");
  assert.deepEqual(await alice.bodies(), ["Is anybody here?"]);
});

test("a message that is refused says why, and can be sent again or thrown away", async (t) => {
  const parlor = await Parlor.start(t);
  const alice = await Person.registered(t, parlor, "alice");
  await alice.createRoom("Kitchen");
  await alice.say("\u200B");
  const refused = alice.log.getByRole("alert");
  await refused.getByText("Not sent.").waitFor();
  await alice.say("This goes through.");
  await alice.reads("This goes through.");
  await refused.getByRole("button", { name: "Retry" }).click();
  await refused.getByText("Not sent.").waitFor();
  await refused.getByRole("button", { name: "Delete" }).click();
  await refused.waitFor({ state: "detached" });
  assert.deepEqual(await alice.bodies(), ["This goes through."]);
});

test("lines are broken with Shift and Enter, and Markdown is drawn", async (t) => {
  const parlor = await Parlor.start(t);
  const alice = await Person.registered(t, parlor, "alice");
  await alice.createRoom("Kitchen");
  await alice.composer.pressSequentially("**Bread**, and");
  await alice.press("Shift+Enter");
  await alice.composer.pressSequentially("- `salt`");
  assert.equal(await alice.composer.inputValue(), "**Bread**, and\n- `salt`");
  await alice.press("Enter");
  await alice.reads("Bread, and");
  const body = alice.message("Bread, and").locator(".body");
  assert.equal(await body.locator("strong").innerText(), "Bread");
  assert.equal(await body.locator("ul li code").innerText(), "salt");
});

test("Enter belongs to the input method while it composes", async (t) => {
  const parlor = await Parlor.start(t);
  const alice = await Person.registered(t, parlor, "alice");
  await alice.createRoom("Kitchen");
  await alice.composer.focus();
  const input = await alice.page.context().newCDPSession(alice.page);
  await input.send("Input.imeSetComposition", { text: "おちゃ", selectionStart: 3, selectionEnd: 3 });
  // What a browser tells of a key that the input method takes.
  const taken = { key: "Enter", code: "Enter", windowsVirtualKeyCode: 229 };
  await input.send("Input.dispatchKeyEvent", { type: "rawKeyDown", ...taken });
  await input.send("Input.dispatchKeyEvent", { type: "keyUp", ...taken });
  await input.send("Input.insertText", { text: "お茶" });
  assert.equal(await alice.composer.inputValue(), "お茶");
  assert.deepEqual(await alice.bodies(), []);
  await alice.press("Enter");
  await alice.reads("お茶");
  assert.deepEqual(await alice.bodies(), ["お茶"]);
});

test("a permalink leads to its message, also in a room that is far ahead", async (t) => {
  const parlor = await Parlor.start(t);
  const bob = await Program.register(t, parlor, "bob");
  const kitchen = await bob.createRoom("Kitchen");
  await bob.say(kitchen, ...numbered(1, 200));

  const alice = await Person.arrive(t, parlor, "alice", { path: `/?room=${kitchen}&seq=42` });
  await alice.register();
  await alice.reads("no. 42.");
  await alice.until(() => document.activeElement?.dataset.seq === "42");
  assert.ok(await alice.log.locator("[data-seq='42'].target").isVisible());

  await alice.page.getByRole("button", { name: "Newest" }).click();
  await alice.reads("no. 200.");
  assert.equal(alice.page.url(), parlor.at(`/?room=${kitchen}`));
  const time = alice.message("no. 199.").locator("a.time");
  await alice.message("no. 199.").hover();
  await time.click();
  await alice.page.waitForURL(parlor.at(`/?room=${kitchen}&seq=199`));
});

test("a link to a room in a message opens it without loading the page anew", async (t) => {
  const parlor = await Parlor.start(t);
  const bob = await Program.register(t, parlor, "bob");
  const cellar = await bob.createRoom("Cellar");
  const kitchen = await bob.createRoom("Kitchen");
  await bob.say(kitchen, `Come down: ${parlor.at(`/?room=${cellar}`)}`);

  const alice = await Person.registered(t, parlor, "alice");
  await alice.openRoom("Kitchen");
  await alice.page.evaluate(() => (window.sinceLoading = true));
  await alice.message("Come down").getByRole("link", { name: /room=/ }).click();
  await alice.isIn("Cellar");
  await alice.page.goBack();
  await alice.isIn("Kitchen");
  assert.equal(await alice.page.evaluate(() => window.sinceLoading), true);
});

test("an address that leads nowhere says so and offers the list", async (t) => {
  const parlor = await Parlor.start(t);
  const bob = await Program.register(t, parlor, "bob");
  await bob.createRoom("Kitchen");
  const alice = await Person.registered(t, parlor, "alice");
  for (const room of ["11111111-2222-4333-8444-555555555555", "11111111-2222"]) {
    await alice.page.goto(parlor.at(`/?room=${room}`));
    await alice.page.getByRole("heading", { name: "There is no room at this address" }).waitFor();
    await alice.page.getByRole("button", { name: "See all rooms" }).click();
    await alice.page.getByRole("heading", { name: "Choose a room" }).waitFor();
  }
  await alice.openRoom("Kitchen");
});

test("the list of rooms is live, and search finds by a part of the name", async (t) => {
  const parlor = await Parlor.start(t);
  const alice = await Person.registered(t, parlor, "alice");
  const bob = await Program.register(t, parlor, "bob");
  const cellar = await bob.createRoom("Wine cellar");
  await alice.listed("Wine cellar").getByText("1 here").waitFor();
  await bob.leave(cellar);
  await alice.listed("Wine cellar").getByText("nobody here").waitFor();
  await bob.createRoom("Kitchen");
  await alice.listed("Kitchen").waitFor();

  await alice.page.getByRole("searchbox", { name: "Find a room" }).fill("cell");
  await alice.listed("Kitchen").waitFor({ state: "detached" });
  await alice.openRoom("Wine cellar");
});

function numbered(from, to) {
  return Array.from({ length: to - from + 1 }, (_, index) => `no. ${from + index}.`);
}
