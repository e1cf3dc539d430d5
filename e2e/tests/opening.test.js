// Opening the page when the server does not answer, and when it has a newer page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Front } from "../world/front.js";
import { Parlor } from "../world/parlor.js";
import { Person } from "../world/person.js";

const OFFER = "There is a newer Parlor.";

test("the page opens without a network, at its root and at the link to a room", async (t) => {
  const parlor = await Parlor.start(t);
  const alice = await Person.registered(t, parlor, "alice");
  await alice.createRoom("Kitchen");
  await alice.pageIsKept();
  await alice.losesNetwork();
  await alice.page.reload();
  await opensByItself(alice);
  await alice.openTab("/");
  await opensByItself(alice);
});

test("the browser keeps the files of the page, and nothing of what is said", async (t) => {
  const parlor = await Parlor.start(t);
  const alice = await Person.registered(t, parlor, "alice");
  await alice.createRoom("Kitchen");
  await alice.say("between us.");
  await alice.reads("between us.");
  await alice.pageIsKept();
  await alice.page.reload();
  await alice.isIn("Kitchen");
  const kept = await alice.page.evaluate(async () => {
    const paths = [];
    for (const name of await caches.keys())
      for (const { url } of await (await caches.open(name)).keys()) paths.push(new URL(url).pathname);
    return paths;
  });
  assert.ok(kept.includes("/"));
  assert.ok(kept.length >= 5, `${kept}`);
  for (const path of kept) assert.match(path, /^\/(assets\/.*)?$/);
});

for (const [state, sentence] of [
  ["alone", "the page opens when a proxy stands before a server that is gone"],
  ["silent", "the page opens when the network swallows everything"],
])
  test(sentence, async (t) => {
    const front = await Front.before(t, await Parlor.start(t));
    const alice = await Person.registered(t, front, "alice");
    await alice.pageIsKept();
    front.becomes(state);
    const before = Date.now();
    await alice.page.reload({ waitUntil: "commit" });
    await alice.page.locator("main").waitFor();
    t.diagnostic(`opened after ${Date.now() - before} ms`);
    assert.ok(Date.now() - before < 5_000);
  });

test("who opens the page has the newest, and who has it open goes on and is offered it", async (t) => {
  const front = await Front.before(t, await Parlor.start(t));
  const alice = await Person.registered(t, front, "alice");
  await alice.createRoom("Kitchen");
  await alice.pageIsKept();
  const first = await front.build();
  assert.equal(await alice.build(), first);
  assert.equal(await alice.page.getByText(OFFER).count(), 0);

  await front.upgrade();
  const second = await front.build();
  front.becomes("alone");
  front.becomes("well");
  await alice.page.getByText(OFFER).waitFor();
  await alice.pageIsKept(second);
  // The page that stayed open was not touched, and finds files that the server does not have any more.
  assert.equal(await alice.build(), first);
  await alice.say("still here.");
  await alice.reads("still here.");
  await alice.showsLinkAsPicture();

  await alice.page.getByRole("button", { name: "Reload" }).click();
  await alice.isIn("Kitchen");
  assert.equal(await alice.build(), second);
  await alice.reads("still here.");
  await alice.showsLinkAsPicture();
  assert.equal(await alice.page.getByText(OFFER).count(), 0);

  await front.upgrade();
  const third = await front.build();
  await alice.openTab("/");
  await alice.isInside();
  assert.equal(await alice.build(), third);
  assert.equal(await alice.pageIsKept(third), 2);
  assert.equal(await alice.page.getByText(OFFER).count(), 0);
  await alice.losesNetwork();
  await alice.page.reload();
  await opensByItself(alice);
  assert.equal(await alice.build(), third);
});

test("a page that changes while it is being kept is not kept in part", async (t) => {
  const front = await Front.before(t, await Parlor.start(t));
  const alice = await Person.registered(t, front, "alice");
  await alice.pageIsKept();
  const first = await front.build();
  await front.upgrade();
  front.changesInBetween();
  const failed = await alice.page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    const ended = new Promise((resolve) =>
      registration.addEventListener("updatefound", () => {
        const worker = registration.installing;
        worker.addEventListener("statechange", () => resolve(worker.state));
      }),
    );
    // The page may be asking for itself, from before there was anything new; then the first question is that one.
    const asking = setInterval(() => registration.update().catch(() => undefined), 200);
    const state = await ended;
    clearInterval(asking);
    return state;
  });
  assert.equal(failed, "redundant");
  await alice.losesNetwork();
  await alice.page.reload();
  await opensByItself(alice);
  assert.equal(await alice.build(), first);
});

/** The page itself is there, whatever it can show. */
async function opensByItself(person) {
  await person.page.locator("main").waitFor();
  assert.match(await person.page.title(), /Parlor$/);
}
