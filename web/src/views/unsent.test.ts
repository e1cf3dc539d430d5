// @vitest-environment jsdom
// What was not sent can be found, read, sent again and deleted.

import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import * as api from "../api";
import { Kept } from "../kept/kept";
import { NoAnswer } from "../refusal";
import { App } from "../state/app.svelte";
import { House } from "../state/house.svelte";
import { address } from "../state/route.svelte";
import { alice, FakeLink, FakeTabs, memory, message, messages, ROOM, settled } from "../state/testing";
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
  house = new House(alice, {
    ...around,
    kept: Kept.nothing(),
    doubtSession: () => undefined,
    writes: () => undefined,
  });
  stop = house.start();
  const app = new App({ ...around, kept: Promise.resolve(Kept.nothing()) });
  mounted = mount(Inside, { target: document.body, props: { app, house, admin: false } });
  await shows();
});

afterEach(async () => {
  await unmount(mounted);
  stop();
  vi.mocked(api.messages).mockReset();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function shows() {
  await settled();
  flushSync();
}

const main = () => document.querySelector("main");
const rows = () => [...(main()?.querySelectorAll("article") ?? [])].map((row) => row.textContent.trim());
const inList = () => [...document.querySelectorAll(".rooms li")].map((row) => row.textContent.trim());

async function press(name: string) {
  const buttons = [...(main()?.querySelectorAll("button") ?? [])];
  buttons.find((button) => button.textContent === name)?.click();
  await shows();
}

describe("while one stands in history and the network is away", () => {
  beforeEach(async () => {
    house.opened();
    house.heard(...messages(91, 100).map((data) => ({ name: "message" as const, data })));
    await link.answer("join", { name: "Kitchen", epoch: 1, head: 100 });
    house.room?.timeline.show({ epoch: 1, head: 100, messages: messages(1, 20) });
    house.setOnline(false);
    vi.mocked(api.messages).mockRejectedValueOnce(new NoAnswer());
    await house.post("hello");
    await shows();
  });

  test("it stands below, behind what is not loaded", () => {
    expect(rows().at(-1)).toContain("hello");
    const separators = [...(main()?.querySelectorAll("[role=separator]") ?? [])];
    expect(separators.map((one) => one.textContent)).toContain("More was said in between");
  });

  test("it can be sent again after it failed", async () => {
    house.setOnline(true);
    house.opened();
    await link.answer("join", { name: "Kitchen", epoch: 1, head: 100 });
    await link.refuse("message", { code: "internal" });
    await shows();
    expect(rows().at(-1)).toContain("Not sent.");
    await press("Retry");
    expect(link.waiting("message").map(({ body }) => body)).toEqual(["hello"]);
  });

  test("it is seen at the live end when it is sent", async () => {
    vi.mocked(api.messages).mockImplementation((_, span) => {
      const found = "before" in span ? messages(51, 100) : messages(21, 70);
      return Promise.resolve({ epoch: 1, head: 100, messages: found });
    });
    house.setOnline(true);
    house.opened();
    await link.answer("join", { name: "Kitchen", epoch: 1, head: 100 });
    const [said] = link.waiting("message");
    house.heard({ name: "message", data: message(101, { ...said, author: alice }) });
    await shows();
    expect(rows().at(-1)).toContain("hello");
    expect(house.room?.timeline.last).toBe(101);
  });
});

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
    expect(rows()).toEqual([expect.stringContaining("hello")]);
    expect(rows()).toEqual([expect.stringContaining("Not sent. No such room.")]);
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
    expect([rows(), inList(), house.outbox.pending]).toEqual([[], [], []]);
  });
});
