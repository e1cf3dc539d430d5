// A long room, read upwards.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Parlor } from "../world/parlor.js";
import { Person } from "../world/person.js";
import { Program } from "../world/program.js";

/** More than the page keeps at a time, so that it has to let go of the other end and load it again. */
const MESSAGES = 520;

test("history scrolls up to the first message, and what is being read stays in its place", async (t) => {
  const parlor = await Parlor.start(t);
  const bob = await Program.register(t, parlor, "bob");
  const kitchen = await bob.createRoom("Kitchen");
  for (let seq = 1; seq <= MESSAGES; seq++) {
    await bob.say(kitchen, `no. ${seq}. ${"words ".repeat((seq * 7) % 50)}`);
  }
  const alice = await Person.registered(t, parlor, "alice");
  await alice.openRoom("Kitchen");
  await alice.reads(`no. ${MESSAGES}.`);
  await alice.until(() => {
    const log = document.querySelector("[role=log]");
    return log.scrollHeight - log.scrollTop - log.clientHeight < 2;
  });

  for (let first = await oldest(alice); first > 1;) {
    const read = await scrollToTop(alice);
    await alice.until((first) => Number(document.querySelector("[data-seq]").dataset.seq) < first, first);
    const moved = (await topOf(alice, read.seq)) - read.top;
    assert.ok(Math.abs(moved) <= 1, `no. ${read.seq} moved by ${moved} px`);
    first = await oldest(alice);
  }
  await alice.page.getByText("This is where Kitchen begins.").waitFor();
  await alice.log.getByText("no. 1.").waitFor();

  // The live end was let go of on the way up. A message that comes there does not move what is read either.
  const read = await scrollToTop(alice);
  await bob.say(kitchen, "news.");
  await alice.page.getByRole("button", { name: "1 new" }).waitFor();
  assert.ok(Math.abs((await topOf(alice, read.seq)) - read.top) <= 1);
  await alice.page.getByRole("button", { name: "1 new" }).click();
  await alice.reads("news.");
});

test("history scrolls down again, gapless, to the live end", async (t) => {
  const parlor = await Parlor.start(t);
  const bob = await Program.register(t, parlor, "bob");
  const kitchen = await bob.createRoom("Kitchen");
  for (let seq = 1; seq <= MESSAGES; seq++) await bob.say(kitchen, `no. ${seq}.`);
  const alice = await Person.arrive(t, parlor, "alice", { path: `/?room=${kitchen}&seq=3` });
  await alice.register();
  await alice.reads("no. 3.");
  for (let last = 0; last < MESSAGES;) {
    last = await alice.page.evaluate(() => {
      const log = document.querySelector("[role=log]");
      log.scrollTop = log.scrollHeight;
      const numbers = [...log.querySelectorAll("[data-seq]")].map((one) => Number(one.dataset.seq));
      const gap = numbers.findIndex((seq, index) => seq !== numbers[0] + index);
      if (gap !== -1) throw new Error(`after ${numbers[gap - 1]} came ${numbers[gap]}`);
      return numbers.at(-1);
    });
    if (last < MESSAGES) {
      await alice.until(
        (last) => Number([...document.querySelectorAll("[data-seq]")].at(-1).dataset.seq) > last,
        last,
      );
    }
  }
  await bob.say(kitchen, "news.");
  await alice.reads("news.");
});

test("what came while one was away stands under a line, at which reading begins", async (t) => {
  const parlor = await Parlor.start(t);
  const bob = await Program.register(t, parlor, "bob");
  const kitchen = await bob.createRoom("Kitchen");
  await bob.createRoom("Cellar");
  await bob.say(kitchen, "read before.");
  const alice = await Person.registered(t, parlor, "alice");
  await alice.openRoom("Kitchen");
  await alice.reads("read before.");
  await alice.openRoom("Cellar");
  await bob.say(kitchen, "unread 1.", "unread 2.");
  await alice.listed("Kitchen").getByText("2 unread").waitFor();
  await alice.openRoom("Kitchen");
  await alice.reads("unread 2.");
  await alice.log.getByRole("separator").getByText("New").waitFor();
  const order = await alice.log.locator("article .body, .unread").allInnerTexts();
  assert.deepEqual(order, ["read before.", "New", "unread 1.", "unread 2."]);
  await alice.listed("Kitchen").getByText("unread").waitFor({ state: "detached" });
});

function oldest(person) {
  return person.page.evaluate(() => Number(document.querySelector("[data-seq]").dataset.seq));
}

/** Scrolls to the top of what is loaded; which message is read there, and how high it stands. */
function scrollToTop(person) {
  return person.page.evaluate(() => {
    const log = document.querySelector("[role=log]");
    log.scrollTop = 40;
    const edge = log.getBoundingClientRect().top;
    const messages = [...log.querySelectorAll("[data-seq]")];
    const read = messages.find((one) => one.getBoundingClientRect().bottom > edge);
    return { seq: read.dataset.seq, top: read.getBoundingClientRect().top };
  });
}

function topOf(person, seq) {
  return person.log.locator(`[data-seq="${seq}"]`).evaluate((one) => one.getBoundingClientRect().top);
}
