// @vitest-environment jsdom
// What was not sent can be found, read, sent again and deleted.

import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Kept } from "../kept/kept";
import { App } from "../state/app.svelte";
import { House } from "../state/house.svelte";
import { address } from "../state/route.svelte";
import { alice, FakeLink, FakeTabs, memory, ROOM, settled } from "../state/testing";
import Inside from "./Inside.svelte";

vi.mock("../api");

let link: FakeLink;
let house: House;
let mounted: Record<string, unknown>;
let stop: () => void;

/** What jsdom lacks of a browser, and this does not need. */
function furnish() {
  vi.stubGlobal("visualViewport", null);
  vi.stubGlobal("matchMedia", (media: string) => Object.assign(new EventTarget(), { media, matches: false }));
  const observer = { observe: () => undefined, unobserve: () => undefined, disconnect: () => undefined };
  vi.stubGlobal("ResizeObserver", function () {
    return observer;
  });
}

beforeEach(async () => {
  vi.useFakeTimers();
  furnish();
  history.replaceState(null, "", address(ROOM));
  const around = { storage: memory(), tabs: new FakeTabs().open(), connect: () => (link = new FakeLink()) };
  house = new House(alice, { ...around, kept: Kept.nothing(), doubtSession: () => undefined });
  stop = house.start();
  const app = new App({ ...around, kept: Promise.resolve(Kept.nothing()) });
  mounted = mount(Inside, { target: document.body, props: { app, house, admin: false } });
  await shows();
});

afterEach(async () => {
  await unmount(mounted);
  stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function shows() {
  await settled();
  flushSync();
}

const main = () => document.querySelector("main");
const unsent = () => [...(main()?.querySelectorAll("article") ?? [])].map((row) => row.textContent.trim());
const inList = () => [...document.querySelectorAll(".rooms li")].map((row) => row.textContent.trim());

async function press(name: string) {
  const buttons = [...(main()?.querySelectorAll("button") ?? [])];
  buttons.find((button) => button.textContent === name)?.click();
  await shows();
}

describe("in a room that does not exist", () => {
  beforeEach(async () => {
    await house.post("hello");
    house.opened();
    await link.answer("watch_rooms", { rooms: [], total: 0 });
    await link.refuse("join", { code: "room_not_found", message: "No such room." });
    await shows();
  });

  test("it is read in the room's place, and the list leads there", () => {
    expect(main()?.querySelector("h1")?.textContent).toBe("There is no room at this address");
    expect(unsent()).toEqual([expect.stringContaining("hello")]);
    expect(unsent()).toEqual([expect.stringContaining("Not sent. No such room.")]);
    expect(inList()).toEqual([expect.stringContaining("1 not sent")]);
    expect(document.querySelector(".rooms a")?.getAttribute("href")).toBe(address(ROOM));
  });

  test("it can be sent again", async () => {
    await press("Retry");
    await link.answer("join", { name: "Kitchen", epoch: 1, head: 0 });
    await shows();
    expect(main()?.querySelector("h1")?.textContent).toBe("Kitchen");
    expect(link.waiting("message").map(({ body }) => body)).toEqual(["hello"]);
  });

  test("it can be deleted", async () => {
    await press("Delete");
    expect([unsent(), inList(), house.outbox.pending]).toEqual([[], [], []]);
  });
});
