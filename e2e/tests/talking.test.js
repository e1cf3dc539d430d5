// Two people find each other in a room and talk.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Parlor } from "../world/parlor.js";
import { Person } from "../world/person.js";

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
