// The page keeps what was typed: losing the network, a reload, a crash, another tab, and a server that dies or forgets.
// What is typed is sent once, in its order.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Front } from "../world/front.js";
import { Parlor } from "../world/parlor.js";
import { Person } from "../world/person.js";
import { Program } from "../world/program.js";
import { drawsAnew, forgets, turnsRound } from "../world/sabotage.js";

const FIVE = ["one.", "two.", "three.", "four.", "five."];
/** Opening the page without a network takes less than a tenth of this where nothing else runs; the figure is printed. */
const GENEROUS_MS = 5_000;
/** A browser that is still starting does everything more slowly, on two cores by half. */
const STARTED_MS = 2_500;

/** Alice and bob are in the kitchen, each in a browser, and alice's page is kept. */
async function twoPeople(t, server, settings) {
  const alice = await Person.registered(t, server, "alice", settings);
  await alice.createRoom("Kitchen");
  const bob = await Person.arrive(t, server, "bob", { path: await alice.copyLink() });
  await bob.register();
  await alice.say("before.");
  await bob.reads("before.");
  await alice.pageIsKept();
  return [alice, bob];
}

/** Alice writes without a network; when this is done, all of it waits. */
async function writesFive(alice) {
  await alice.losesNetwork();
  for (const body of FIVE) {
    await alice.say(body);
    await alice.pending(body).waitFor();
  }
}

/** Alice writes five messages without a network, her tab crashes, and she comes back. */
async function outlivesTheTab(t, settings) {
  const parlor = await Parlor.start(t);
  const [alice, bob] = await twoPeople(t, parlor, settings);
  await writesFive(alice);
  await alice.tabCrashes();
  await alice.findsNetwork();
  await alice.openTab("/");
  await alice.openRoom("Kitchen");
  await alice.say("after.");
  for (const person of [alice, bob]) {
    await person.reads("after.");
    assert.deepEqual(await person.bodies(), ["before.", ...FIVE, "after."]);
  }
}

/** Alice's message is stored, and her tab crashes before it hears of that. */
async function isStoredOnce(t, settings) {
  const parlor = await Parlor.start(t);
  const front = await Front.before(t, parlor);
  const bob = await Person.registered(t, parlor, "bob");
  await bob.createRoom("Kitchen");
  const alice = await Person.registered(t, front, "alice", settings);
  await alice.openRoom("Kitchen");
  await alice.pageIsKept();
  front.becomes("mute");
  await alice.say("once.");
  await bob.reads("once.");
  await alice.pending("once.").waitFor();
  await alice.tabCrashes();
  front.becomes("well");
  await alice.openTab("/");
  await alice.openRoom("Kitchen");
  await alice.say("twice.");
  for (const person of [alice, bob]) {
    await person.reads("twice.");
    assert.deepEqual(await person.bodies(), ["once.", "twice."]);
  }
  assert.equal(await alice.log.locator(".pending").count(), 0);
}

test("five messages typed without a network outlive the tab, and are seen once and in their order", async (t) => {
  await outlivesTheTab(t);
});

test("what was stored while its answer was lost with the tab is not sent again", async (t) => {
  await isStoredOnce(t);
});

for (const { where, sabotage, fails, reading } of [
  {
    where: "what the device says it keeps is gone with the tab",
    sabotage: forgets,
    fails: outlivesTheTab,
    reading: ["before.", "after."],
  },
  {
    where: "the device turns the order round",
    sabotage: turnsRound,
    fails: outlivesTheTab,
    reading: ["before.", ...FIVE.toReversed(), "after."],
  },
  {
    where: "a message is another one each time it is sent",
    sabotage: drawsAnew,
    fails: isStoredOnce,
    reading: ["once.", "once.", "twice."],
  },
])
  test(`where ${where}, the test of it fails`, async (t) => {
    await assert.rejects(fails(t, { sabotage }), { name: "AssertionError", actual: reading });
  });

test("five messages typed without a network outlive the whole browser, and are shown before there is one again", async (t) => {
  const parlor = await Parlor.start(t);
  const bob = await Program.register(t, parlor, "bob");
  const kitchen = await bob.createRoom("Kitchen");
  const alice = await Person.alone(t, parlor, "alice");
  await alice.openRoom("Kitchen");
  await alice.say("before.");
  await alice.reads("before.");
  await alice.pageIsKept();
  // A browser writes its cookies to the disk by and by, and at its end.
  await alice.closesBrowser();
  await alice.opensBrowser(`/?room=${kitchen}`);
  await alice.reads("before.");
  await alice.hasKept("before.");

  await writesFive(alice);
  await alice.browserCrashes();
  await alice.opensBrowser(`/?room=${kitchen}`, { offline: true });
  for (const body of FIVE) await alice.pending(body).waitFor();
  assert.deepEqual(await alice.bodies(), ["before.", ...FIVE]);
  await alice.findsNetwork();
  for (const body of FIVE) await alice.reads(body);
  assert.deepEqual(await alice.bodies(), ["before.", ...FIVE]);
  assert.deepEqual(await bob.log(kitchen), ["before.", ...FIVE]);
});

test("what waits is there after a reload, and is sent once", async (t) => {
  const [alice, bob] = await twoPeople(t, await Parlor.start(t));
  await writesFive(alice);
  await alice.page.reload();
  for (const body of FIVE) await alice.pending(body).waitFor();
  await alice.findsNetwork();
  for (const person of [alice, bob]) {
    for (const body of FIVE) await person.reads(body);
    assert.deepEqual(await person.bodies(), ["before.", ...FIVE]);
  }
});

test("a server that is killed before it answers, and a tab that is killed before it hears, lose nothing", async (t) => {
  const parlor = await Parlor.start(t);
  const [alice, bob] = await twoPeople(t, parlor);
  parlor.freeze();
  for (const body of FIVE) {
    await alice.say(body);
    await alice.pending(body).waitFor();
  }
  await parlor.kill();
  await alice.tabCrashes();
  await parlor.startAgain();
  await alice.openTab("/");
  await alice.openRoom("Kitchen");
  for (const person of [alice, bob]) {
    for (const body of FIVE) await person.reads(body);
    assert.deepEqual(await person.bodies(), ["before.", ...FIVE]);
  }
});

test("two tabs with something to send send it once, in the order of writing", async (t) => {
  const [alice, bob] = await twoPeople(t, await Parlor.start(t));
  const first = alice.page;
  await alice.openTab("/");
  await alice.openRoom("Kitchen");
  const second = alice.page;
  await alice.losesNetwork();
  for (const [page, body] of [
    [first, "one."],
    [second, "two."],
    [first, "three."],
    [second, "four."],
    [first, "five."],
  ]) {
    alice.page = page;
    await page.bringToFront();
    await alice.say(body);
    await alice.pending(body).waitFor();
  }
  await alice.findsNetwork();
  for (const page of [first, second]) {
    alice.page = page;
    for (const body of FIVE) await alice.reads(body);
    assert.deepEqual(await alice.bodies(), ["before.", ...FIVE]);
  }
  for (const body of FIVE) await bob.reads(body);
  assert.deepEqual(await bob.bodies(), ["before.", ...FIVE]);
});

test("a page that is opened without a network shows the rooms and what was said last, and then what was missed", async (t) => {
  const parlor = await Parlor.start(t);
  const bob = await Program.register(t, parlor, "bob");
  await bob.createRoom("Garden");
  const kitchen = await bob.createRoom("Kitchen");
  const alice = await Person.alone(t, parlor, "alice");
  await alice.openRoom("Kitchen");
  const said = Array.from({ length: 60 }, (_, index) => `said ${index + 1}.`);
  await bob.say(kitchen, ...said);
  await alice.reads("said 60.");
  await alice.hasKept("said 60.");
  await alice.pageIsKept();
  await alice.closesBrowser();
  await bob.say(kitchen, "missed.");

  await alice.opensBrowser("about:blank", { offline: true });
  await sleep(STARTED_MS);
  const first = await alice.opensAndSees(`/?room=${kitchen}`, "said 60.");
  const again = await alice.opensAndSees(`/?room=${kitchen}`, "said 60.");
  t.diagnostic(
    `rooms and messages after ${first} ms in a browser that has started, ${again} ms in one that has had the page`,
  );
  assert.ok(Math.max(first, again) < GENEROUS_MS);
  for (const room of ["Garden", "Kitchen"]) await alice.listed(room).waitFor();
  assert.equal((await alice.bodies()).at(-1), "said 60.");

  await alice.findsNetwork();
  await alice.reads("missed.");
  assert.deepEqual((await alice.bodies()).slice(-61), [...said, "missed."]);
  await alice.page.getByRole("separator").getByText("New").waitFor();
});

test("logging out leaves nothing of one on the device, in any tab", async (t) => {
  const [alice] = await twoPeople(t, await Parlor.start(t));
  const first = alice.page;
  await alice.openTab("/");
  await alice.openRoom("Kitchen");
  await alice.composer.fill("a draft");
  await alice.until(() => Object.values(localStorage).some((value) => value.includes("a draft")));
  for (const trace of ["before.", "Kitchen", "alice"]) await alice.hasKept(trace);

  await alice.chooseInAccountMenu("Log out");
  await alice.isAtTheDoor();
  const second = alice.page;
  alice.page = first;
  await alice.isAtTheDoor();
  for (const page of [first, second]) {
    alice.page = page;
    const after = await alice.keeps();
    for (const trace of ["before.", "Kitchen", "a draft", "alice"]) assert.ok(!after.includes(trace), after);
  }
  await alice.losesNetwork();
  await alice.page.reload();
  await alice.page.getByText("Parlor cannot be reached.").waitFor();
});

test("a server that was put back to an earlier state gets what waits, and the page shows its log and no other", async (t) => {
  const parlor = await Parlor.start(t);
  const [alice, bob] = await twoPeople(t, parlor);
  const copy = await parlor.backUp();
  await bob.say("will be lost.");
  await alice.reads("will be lost.");
  await writesFive(alice);
  await parlor.goBackTo(copy);
  await alice.findsNetwork();
  for (const person of [alice, bob]) {
    for (const body of FIVE) await person.reads(body);
    assert.deepEqual(await person.bodies(), ["before.", ...FIVE]);
  }
  await alice.page.reload();
  await alice.isIn("Kitchen");
  await alice.reads("five.");
  assert.deepEqual(await alice.bodies(), ["before.", ...FIVE]);
});
