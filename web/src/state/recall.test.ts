// What is there when one comes back, with or without a network.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Kept, LONGEST_RUN } from "../kept/kept";
import { idle, newDevice } from "../kept/testing";
import type { Room as ListedRoom } from "../wire";
import { House } from "./house.svelte";
import { alice, FakeLink, FakeTabs, memory, message, messages, ROOM } from "./testing";

vi.mock("../api");

/** Longer than what was received may wait to be kept. */
const LONG_MS = 10_000;

let link: FakeLink;
let house: House;
let stop: () => void;

/** The page is opened, perhaps at a room: what it had in memory is gone. */
async function comeBack(room: string | null = null) {
  stop();
  link = new FakeLink();
  const kept = await Kept.open();
  await kept.enter(alice, false);
  const tabs = new FakeTabs().open();
  house = new House(alice, {
    connect: () => link,
    storage: memory(),
    kept,
    tabs,
    doubtSession: vi.fn(),
    writes: vi.fn(),
  });
  await house.recall(room);
  stop = house.start();
  await idle();
}

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
  newDevice();
  stop = () => undefined;
  await comeBack();
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

async function receive(from: number, to: number, epoch = 1) {
  for (const one of messages(from, to)) house.heard({ name: "message", data: one });
  await link.answer("join", { name: "Kitchen", epoch, head: to });
  await vi.advanceTimersByTimeAsync(LONG_MS);
  await idle();
}

/** Opens the room, online, and receives a part of its log. */
async function read(from: number, to: number) {
  house.opened();
  await house.open(ROOM);
  await idle();
  await receive(from, to);
}

function listed(head: number): ListedRoom {
  return { id: ROOM, name: "Kitchen", epoch: 1, head, here: 3, created_at: 1, last_message_at: head };
}

const seqs = () => house.room?.timeline.messages.map((one) => one.seq);

describe("without a network", () => {
  test("the rooms are there, and the last messages of those that were opened", async () => {
    house.opened();
    await link.answer("watch_rooms", { rooms: [listed(3)], total: 7 });
    await read(1, 3);
    await comeBack();
    expect(house.rooms.all.map((room) => room.name)).toEqual(["Kitchen"]);
    expect(house.rooms.total).toBe(7);
    await house.open(ROOM);
    expect([house.room?.name, seqs()]).toEqual(["Kitchen", [1, 2, 3]]);
    expect(house.live).toBe(false);
  });

  test("the room at which the page is opened is there with the page", async () => {
    await read(1, 3);
    await comeBack(ROOM);
    expect([house.room?.name, seqs()]).toEqual(["Kitchen", [1, 2, 3]]);
  });

  test("what was written before is there as soon as there is a database", async () => {
    await house.open(ROOM);
    await house.post("anybody?");
    stop();
    const kept = await Kept.open();
    const late = vi.spyOn(kept, "whenLate");
    const slow = vi.spyOn(kept, "unsent").mockResolvedValue(null);
    const tabs = new FakeTabs().open();
    const around = { connect: () => link, storage: memory(), doubtSession: vi.fn(), writes: vi.fn() };
    house = new House(alice, { ...around, kept, tabs });
    await house.recall(null);
    stop = house.start();
    await idle();
    expect(house.outbox.pending).toEqual([]);
    slow.mockRestore();
    late.mock.calls[0]?.[0]();
    await idle();
    expect(house.outbox.in(ROOM).map(({ body }) => body)).toEqual(["anybody?"]);
  });

  test("a room that was never opened here is empty, and one can write in it", async () => {
    await house.open(ROOM);
    await house.post("anybody?");
    await comeBack();
    expect(seqs()).toBeUndefined();
    await house.open(ROOM);
    expect(seqs()).toEqual([]);
    expect(house.outbox.in(ROOM).map(({ body }) => body)).toEqual(["anybody?"]);
  });

  test("so much of a long log is kept as is worth it", async () => {
    await read(1, LONGEST_RUN + 50);
    await comeBack();
    await house.open(ROOM);
    expect([seqs()?.[0], seqs()?.length]).toEqual([51, LONGEST_RUN]);
  });

  test("what is kept is the end of the log, also while one reads elsewhere in it", async () => {
    await read(51, 60);
    house.room?.timeline.show({ epoch: 1, head: 60, messages: messages(1, 20) });
    house.heard({ name: "message", data: message(61) });
    await vi.advanceTimersByTimeAsync(LONG_MS);
    await comeBack();
    await house.open(ROOM);
    expect([seqs()?.[0], seqs()?.at(-1)]).toEqual([51, 60]);
  });

  test("what was kept with a gap is not shown", async () => {
    const kept = await Kept.open();
    const holed = [message(1), message(3)];
    await kept.keepRun(alice.id, { room: ROOM, name: "K", epoch: 1, cursor: 3, messages: holed, at: 1 });
    await house.open(ROOM);
    expect([seqs(), house.room?.cursor()]).toEqual([[], {}]);
  });
});

describe("with the network", () => {
  test("only what came since is asked for", async () => {
    await read(1, 3);
    await comeBack();
    house.opened();
    await house.open(ROOM);
    await idle();
    expect(link.waiting("join")).toEqual([{ room: ROOM, after: 3, epoch: 1 }]);
    await receive(4, 5);
    expect(seqs()).toEqual([1, 2, 3, 4, 5]);
  });

  test("what the server has forgotten is forgotten here, and what was typed is not", async () => {
    await read(1, 9);
    house.setOnline(false);
    await house.post("still here");
    await comeBack();
    house.opened();
    await house.open(ROOM);
    await idle();
    house.heard({ name: "resync", data: { room: ROOM, epoch: 2, head: 4, reason: "epoch" } });
    await receive(1, 4, 2);
    expect(seqs()).toEqual([1, 2, 3, 4]);
    expect(link.waiting("message").map(({ body }) => body)).toEqual(["still here"]);
    await comeBack();
    await house.open(ROOM);
    expect([house.room?.cursor(), seqs()]).toEqual([{ after: 4, epoch: 2 }, [1, 2, 3, 4]]);
  });

  test("a log that is shorter than what was kept of it replaces it", async () => {
    await read(1, 9);
    await comeBack();
    house.opened();
    await house.open(ROOM);
    await idle();
    house.heard({ name: "resync", data: { room: ROOM, epoch: 1, head: 4, reason: "ahead" } });
    await receive(1, 4);
    await comeBack();
    await house.open(ROOM);
    expect(house.room?.cursor()).toEqual({ after: 4, epoch: 1 });
  });

  test("what waits in a room that is not on the screen is sent there, and the room is left again", async () => {
    await house.open(ROOM);
    await house.post("one");
    await comeBack();
    house.opened();
    await idle();
    expect(link.waiting("join")).toEqual([{ room: ROOM }]);
    await link.answer("join", { name: "Kitchen", epoch: 1, head: 0 });
    await link.answer("message", { seq: 1, id: 1, at: 1 });
    expect(link.waiting("leave")).toEqual([{ room: ROOM }]);
  });
});

test("text that was saved both as typed and as sent is there once", async () => {
  await house.open(ROOM);
  house.drafts.keep(ROOM, "hello ");
  expect(house.draftOf(ROOM)).toBe("hello ");
  await house.post("hello");
  expect(house.draftOf(ROOM)).toBe("");
});
