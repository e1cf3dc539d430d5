// Everything without a mouse.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Parlor } from "../world/parlor.js";
import { Person } from "../world/person.js";
import { PASSWORD, Program } from "../world/program.js";

test("the whole way from the door to a talk goes by keyboard", async (t) => {
  const parlor = await Parlor.start(t);
  const alice = await Person.arrive(t, parlor, "alice");
  const { page } = alice;
  await alice.tabTo(page.getByLabel("Name"));
  await page.keyboard.type("alice");
  await alice.press("Tab");
  await page.keyboard.type(PASSWORD);
  await alice.press("Enter");
  await alice.isInside();

  const suggested = page.getByRole("main").getByLabel("Name");
  await suggested.waitFor();
  await alice.tabTo(suggested);
  await alice.press("Control+A");
  await page.keyboard.type("Kitchen");
  await alice.press("Enter");
  await alice.isIn("Kitchen");
  await page.keyboard.type("Hello, *kitchen*.");
  await alice.press("Enter");
  await alice.reads("Hello, kitchen.");

  await alice.tabTo(page.getByRole("button", { name: "Create a room" }));
  await alice.press("Enter");
  await alice.dialog("Create a room").waitFor();
  await page.keyboard.type("Cellar");
  await alice.press("Enter");
  await alice.isIn("Cellar");

  await alice.tabTo(page.getByRole("button", { name: "Invite to this room" }));
  await alice.press("Enter");
  await alice.press("Escape");
  assert.ok(await hasFocus(page.getByRole("button", { name: "Invite to this room" })));

  await alice.tabTo(alice.account);
  await alice.press("Enter");
  await alice.tabTo(page.getByRole("button", { name: "Log out" }));
  await alice.press("Enter");
  await alice.isAtTheDoor();
});

test("shortcuts go to a room, to its neighbours, and to the list of shortcuts", async (t) => {
  const parlor = await Parlor.start(t);
  const bob = await Program.register(t, parlor, "bob");
  for (const name of ["Attic", "Balcony", "Cellar"]) await bob.say(await bob.createRoom(name), "Hello.");
  const alice = await Person.registered(t, parlor, "alice");
  await alice.listed("Attic").waitFor();
  await alice.press("Control+K");
  await alice.page.keyboard.type("att");
  await alice.press("Enter");
  await alice.isIn("Attic");
  await alice.press("Alt+ArrowUp");
  await alice.isIn("Balcony");
  await alice.press("Alt+ArrowDown");
  await alice.isIn("Attic");
  await alice.press("Alt+ArrowDown");
  await alice.isIn("Cellar");

  await alice.press("Control+/");
  await alice.dialog("Keyboard shortcuts").waitFor();
  await alice.press("Escape");
  await alice.dialog("Keyboard shortcuts").waitFor({ state: "detached" });
  await alice.press("Control+K");
  await alice.dialog("Go to a room").waitFor();
  await alice.press("Escape");
  await alice.dialog("Go to a room").waitFor({ state: "detached" });
  assert.ok(await hasFocus(alice.composer));
});

test("F6 goes around the parts of the page, and the arrows from message to message", async (t) => {
  const parlor = await Parlor.start(t);
  const bob = await Program.register(t, parlor, "bob");
  const kitchen = await bob.createRoom("Kitchen");
  await bob.say(kitchen, "one", "two", "three");
  const alice = await Person.registered(t, parlor, "alice");
  await alice.openRoom("Kitchen");
  await alice.reads("three");
  await alice.composer.focus();

  const { page } = alice;
  const parts = [
    page.getByRole("group", { name: "List of people" }),
    page.getByRole("link", { name: "Parlor" }),
    page.getByRole("button", { name: "Invite to this room" }),
    alice.message("three"),
    alice.composer,
  ];
  for (const part of parts) {
    await alice.press("F6");
    assert.ok(await hasFocus(part), `F6 leads to ${part}`);
  }
  await alice.press("Shift+F6");
  for (const [key, text] of [
    ["ArrowUp", "two"],
    ["ArrowUp", "one"],
    ["ArrowUp", "one"],
    ["ArrowDown", "two"],
    ["End", "three"],
    ["Home", "one"],
  ]) {
    await alice.press(key);
    assert.ok(await hasFocus(alice.message(text)), `${key} leads to ${text}`);
  }
});

function hasFocus(control) {
  return control.evaluate((element) => element === document.activeElement);
}
