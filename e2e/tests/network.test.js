// Losing the network, or the server, and coming back.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Parlor } from "../world/parlor.js";
import { Person } from "../world/person.js";
import { Program } from "../world/program.js";

/** No more than the page draws at once. */
const MISSED = Array.from({ length: 80 }, (_, index) => `missed ${index + 1}.`);

test("who comes back from a tunnel has what was said, once and in its order", async (t) => {
  const parlor = await Parlor.start(t);
  const bob = await Program.register(t, parlor, "bob");
  const kitchen = await bob.createRoom("Kitchen");
  const alice = await Person.registered(t, parlor, "alice");
  await alice.openRoom("Kitchen");
  await bob.say(kitchen, "before.");
  await alice.reads("before.");

  await alice.losesNetwork();
  await alice.page.getByRole("status").getByText("Offline: messages you send will wait.").waitFor();
  await bob.say(kitchen, ...MISSED);
  await alice.say("from the tunnel.");
  await alice.pending("from the tunnel.").waitFor();
  await alice.findsNetwork();
  await alice.reads("from the tunnel.");
  assert.deepEqual(await alice.bodies(), ["before.", ...MISSED, "from the tunnel."]);
  assert.equal(await alice.page.getByRole("status").getByText("Offline").count(), 0);
});

test("who is away for longer than the page catches up with finds the newest and all before it", async (t) => {
  const parlor = await Parlor.start(t);
  const bob = await Program.register(t, parlor, "bob");
  const kitchen = await bob.createRoom("Kitchen");
  const alice = await Person.registered(t, parlor, "alice");
  await alice.openRoom("Kitchen");
  await bob.say(kitchen, "before.");
  await alice.reads("before.");
  await alice.losesNetwork();
  await bob.say(kitchen, ...MISSED, ...MISSED, ...MISSED);
  await alice.findsNetwork();
  await alice.reads("missed 80.");
  await alice.until(() => {
    const numbers = [...document.querySelectorAll("[data-seq]")].map((one) => Number(one.dataset.seq));
    return numbers.at(-1) === 241 && numbers.every((seq, index) => seq === numbers[0] + index);
  });
});

test("a server that is killed and started again loses no message and no session", async (t) => {
  const parlor = await Parlor.start(t);
  const alice = await Person.registered(t, parlor, "alice");
  await alice.createRoom("Kitchen");
  const bob = await Person.arrive(t, parlor, "bob", { path: await alice.copyLink() });
  await bob.register();
  await alice.say("before.");
  await bob.reads("before.");

  await parlor.kill();
  await alice.page.getByRole("status").getByText("Reconnecting").waitFor();
  await alice.say("into the dark.");
  await alice.pending("into the dark.").waitFor();
  await parlor.startAgain();
  await alice.reads("into the dark.");
  await bob.reads("into the dark.");
  await bob.say("after.");
  await alice.reads("after.");
  for (const person of [alice, bob]) {
    assert.deepEqual(await person.bodies(), ["before.", "into the dark.", "after."]);
    await person.seesPeople("Here now", ["alice", "bob"]);
  }
});

test("a message that was stored while its answer was lost is there once", async (t) => {
  const parlor = await Parlor.start(t);
  const alice = await Person.registered(t, parlor, "alice");
  await alice.createRoom("Kitchen");
  // The server hears the message, and dies before it can answer. Whether it had stored it is for the log to say.
  parlor.freeze();
  await alice.say("once.");
  await alice.pending("once.").waitFor();
  parlor.thaw();
  await parlor.kill();
  await parlor.startAgain();
  await alice.reads("once.");
  await alice.say("twice.");
  await alice.reads("twice.");
  assert.deepEqual(await alice.bodies(), ["once.", "twice."]);
});

test("a server that is connected and does not answer is not called well", async (t) => {
  const parlor = await Parlor.start(t);
  const alice = await Person.registered(t, parlor, "alice");
  await alice.createRoom("Kitchen");
  const line = alice.page.getByText("Connected, but the server does not answer.");
  parlor.freeze();
  await alice.say("Hello?");
  await line.first().waitFor();
  parlor.thaw();
  await alice.reads("Hello?");
  await line.first().waitFor({ state: "hidden" });
});

test("a page that finds no server and knows nobody keeps asking, and goes in when there is one", async (t) => {
  const parlor = await Parlor.start(t);
  const alice = await Person.registered(t, parlor, "alice");
  await alice.createRoom("Kitchen");
  await alice.forgetsOnDevice();
  await alice.page.route("**/api/me", (route) => route.abort());
  await alice.page.reload();
  await alice.page.getByText("Parlor cannot be reached.").waitFor();
  await alice.page.unroute("**/api/me");
  await alice.isIn("Kitchen");
});
