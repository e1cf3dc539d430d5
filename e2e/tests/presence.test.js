// Who is here, and who was.

import { test } from "node:test";
import { Parlor } from "../world/parlor.js";
import { Person } from "../world/person.js";
import { Program } from "../world/program.js";

test("people who come, leave, and close the tab are seen to do so at once", async (t) => {
  const parlor = await Parlor.start(t);
  const alice = await Person.registered(t, parlor, "alice");
  await alice.createRoom("Kitchen");
  await alice.seesPeople("Here now", ["alice"]);

  const link = await alice.copyLink();
  const bob = await Person.arrive(t, parlor, "bob", { path: link });
  await bob.register();
  await bob.seesPeople("Here now", ["alice", "bob"]);
  await alice.seesPeople("Here now", ["alice", "bob"]);

  await bob.page.getByRole("link", { name: "Parlor" }).click();
  await alice.seesPeople("Recently", ["bob"]);
  await alice.seesPeople("Here now", ["alice"]);

  await bob.openRoom("Kitchen");
  await alice.seesPeople("Here now", ["alice", "bob"]);
  await bob.page.close();
  await alice.seesPeople("Recently", ["bob"]);
  await alice.seesPeople("Here now", ["alice"]);
});

test("somebody with two tabs is here until the second is closed", async (t) => {
  const parlor = await Parlor.start(t);
  const bob = await Program.register(t, parlor, "bob");
  const kitchen = await bob.createRoom("Kitchen");
  const alice = await Person.registered(t, parlor, "alice");
  await alice.openRoom("Kitchen");
  const first = alice.page;
  await alice.openTab(`/?room=${kitchen}`);
  await alice.seesPeople("Here now", ["alice", "bob"]);

  const carol = await Person.registered(t, parlor, "carol");
  await carol.openRoom("Kitchen");
  await first.close();
  await bob.leave(kitchen);
  // That bob has gone is told after what alice's first tab did.
  await carol.seesPeople("Recently", ["bob"]);
  await carol.seesPeople("Here now", ["alice", "carol"]);
  await alice.page.close();
  await carol.seesPeople("Here now", ["carol"]);
});

test("people who were here before are listed at once, with when they were", async (t) => {
  const parlor = await Parlor.start(t);
  const bob = await Program.register(t, parlor, "bob");
  const kitchen = await bob.createRoom("Kitchen");
  await bob.leave(kitchen);
  const alice = await Person.registered(t, parlor, "alice");
  await alice.openRoom("Kitchen");
  await alice.seesPeople("Recently", ["bob"]);
  await alice.page.getByRole("listitem").filter({ hasText: "bob" }).getByText("last active").waitFor();
});
