// Accounts: the door, sessions, passwords.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Parlor } from "../world/parlor.js";
import { Person } from "../world/person.js";
import { PASSWORD } from "../world/program.js";

test("what is wrong with a name or a password is said at its field", async (t) => {
  const parlor = await Parlor.start(t);
  await Person.registered(t, parlor, "alice");
  const bob = await Person.arrive(t, parlor, "bob");
  for (const [name, password, label] of [
    ["alice", PASSWORD, "Name"],
    ["AIice", PASSWORD, "Name"],
    ["b\u200Bob", PASSWORD, "Name"],
    ["", PASSWORD, "Name"],
    ["bob", "short", "Password"],
    ["bob", "password1", "Password"],
  ]) {
    await bob.fillDoor(name, password);
    const field = bob.page.getByLabel(label);
    await bob.until((id) => document.getElementById(id).ariaInvalid === "true", label.toLowerCase());
    const described = await field.getAttribute("aria-describedby");
    assert.ok((await bob.page.locator(`#${described}`).innerText()).length > 10, `${name} ${password}`);
    await field.fill("");
    await bob.page.reload();
  }
  await bob.register();
});

test("a session that is ended elsewhere brings its page to the door, and back to its room after it", async (t) => {
  const parlor = await Parlor.start(t);
  const here = await Person.registered(t, parlor, "alice");
  await here.createRoom("Kitchen");
  const there = await Person.arrive(t, parlor, "alice");
  await there.logIn();

  await there.chooseInAccountMenu("Sessions");
  const sessions = there.dialog("Sessions");
  await sessions.getByText("This one").waitFor();
  assert.equal(await sessions.getByRole("listitem").count(), 2);
  await sessions.getByRole("button", { name: /^End the session/ }).click();
  await here.isAtTheDoor();
  await here.page.getByText("Your session has ended.").waitFor();
  await here.logIn();
  await here.isIn("Kitchen");
});

test("a changed password ends all other sessions, and the old one opens nothing", async (t) => {
  const parlor = await Parlor.start(t);
  const here = await Person.registered(t, parlor, "alice");
  await here.createRoom("Kitchen");
  const there = await Person.arrive(t, parlor, "alice");
  await there.logIn();

  await here.chooseInAccountMenu("Change password");
  const dialog = here.dialog("Change password");
  const change = async (old, next) => {
    await dialog.getByLabel("Present password").fill(old);
    await dialog.getByLabel("New password").fill(next);
    await dialog.getByRole("button", { name: "Change password" }).click();
  };
  await change("a cow, a nail", "a mare, a rivet");
  await dialog.getByRole("alert").waitFor();
  await change(PASSWORD, "a mare, a rivet");
  await dialog.getByText("Your password is changed.").waitFor();
  await dialog.getByRole("button", { name: "Done" }).click();

  await there.isAtTheDoor();
  await there.fillDoor("alice", PASSWORD);
  await there.page.getByRole("alert").waitFor();
  await there.logIn("alice", "a mare, a rivet");
  await here.say("Still here.");
  await here.reads("Still here.");
});

test("who logs out is at the door, and stays there after reloading", async (t) => {
  const parlor = await Parlor.start(t);
  const alice = await Person.registered(t, parlor, "alice");
  await alice.page.reload();
  await alice.isInside();
  await alice.chooseInAccountMenu("Log out");
  await alice.isAtTheDoor();
  await alice.page.reload();
  await alice.page.getByRole("heading", { name: "Welcome back" }).waitFor();
  await alice.logIn();
});
