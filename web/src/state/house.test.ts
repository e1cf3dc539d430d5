import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import * as api from "../api";
import { Kept } from "../kept/kept";
import { NoAnswer, Refusal } from "../refusal";
import type { Participant, Room as ListedRoom } from "../wire";
import { House } from "./house.svelte";
import { alice, FakeLink, FakeTabs, memory, message, messages, ROOM, settled } from "./testing";

const OTHER = "b3f5a0a2-7b11-4a0b-8c6f-2f0d5f6f9c22";

vi.mock("../api");

let link: FakeLink;
let house: House;
let stop: () => void;
const doubtSession = vi.fn();

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  link = new FakeLink();
  house = new House(alice, {
    connect: () => link,
    storage: memory(),
    kept: Kept.nothing(),
    tabs: new FakeTabs().open(),
    doubtSession,
    writes: () => undefined,
  });
  stop = house.start();
});

afterEach(() => {
  stop();
  vi.useRealTimers();
  vi.resetAllMocks();
});

/** The server lets us in and sends the log from one message to another. */
async function letIn(room: string, from: number, to: number, epoch = 1) {
  for (const one of messages(from, to)) house.heard({ name: "message", data: { ...one, room } });
  await link.answer("join", { name: "Kitchen", epoch, head: to });
}

async function openRoom(from: number, to: number) {
  house.opened();
  await house.open(ROOM);
  await letIn(ROOM, from, to);
}

function listed(id: string, head: number): ListedRoom {
  return { id, name: id, epoch: 1, head, here: 0, created_at: 1, last_message_at: head };
}

const seqs = () => house.room?.timeline.messages.map((one) => one.seq);

test("what came while a room was left is behind a line when it is opened again", async () => {
  await openRoom(1, 5);
  house.room?.readToEnd();
  await house.open(OTHER);
  await letIn(OTHER, 1, 1);
  await house.open(ROOM);
  house.heard({ name: "message", data: message(6) });
  house.room?.readToEnd();
  await letIn(ROOM, 7, 7);
  expect(house.room?.unreadFrom).toBe(6);
});

describe("resuming", () => {
  test("asks for what came after the last message that was received", async () => {
    await openRoom(1, 5);
    link.breakOff();
    house.lost("broken");
    await vi.advanceTimersByTimeAsync(30_000);
    expect(link.opens).toBe(2);
    house.opened();
    expect(link.waiting("join")).toEqual([{ room: ROOM, after: 5, epoch: 1 }]);
    await letIn(ROOM, 6, 9);
    expect(seqs()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("what was missed stands behind a line, also for who looks at its end meanwhile", async () => {
    await openRoom(1, 5);
    house.room?.readToEnd();
    house.lost("broken");
    await vi.advanceTimersByTimeAsync(30_000);
    house.opened();
    house.heard(...messages(6, 8).map((data) => ({ name: "message" as const, data })));
    house.room?.readToEnd();
    await letIn(ROOM, 9, 9);
    expect(house.room?.unreadFrom).toBe(6);
    house.room?.readToEnd();
    expect(house.reads.upTo(ROOM, 1)).toBe(9);
  });

  test("nothing that was missed leaves the line where it is", async () => {
    await openRoom(1, 5);
    house.room?.readToEnd();
    await house.open(null);
    await house.open(ROOM);
    await letIn(ROOM, 6, 7);
    house.room?.readToEnd();
    house.lost("broken");
    await vi.advanceTimersByTimeAsync(30_000);
    house.opened();
    await letIn(ROOM, 8, 7);
    expect(house.room?.unreadFrom).toBe(6);
  });

  test("messages of several rooms that came together are each where they belong", async () => {
    await openRoom(1, 1);
    await house.open(OTHER);
    await letIn(OTHER, 1, 1);
    const said = [message(2), message(2, { room: OTHER }), message(3)];
    house.heard(...said.map((data) => ({ name: "message" as const, data })));
    expect(house.room?.timeline.cursor).toBe(2);
    await house.open(ROOM);
    expect(house.room?.timeline.cursor).toBe(3);
  });

  test("a gap is asked for once, and what stood beyond it is shown once", async () => {
    await openRoom(1, 3);
    for (const seq of [5, 6]) house.heard({ name: "message", data: message(seq) });
    expect(link.waiting("join")).toEqual([{ room: ROOM, after: 3, epoch: 1 }]);
    await letIn(ROOM, 4, 6);
    expect(seqs()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("a resync replaces everything", async () => {
    await openRoom(1, 9);
    house.lost("broken");
    await vi.advanceTimersByTimeAsync(30_000);
    house.opened();
    house.heard({ name: "resync", data: { room: ROOM, epoch: 2, head: 4, reason: "epoch" } });
    await letIn(ROOM, 1, 4, 2);
    expect(seqs()).toEqual([1, 2, 3, 4]);
    expect(house.room?.cursor()).toEqual({ after: 4, epoch: 2 });
  });

  test("a refused connection puts the session in doubt, a broken one does not", () => {
    house.opened();
    house.lost("broken");
    expect(doubtSession).not.toHaveBeenCalled();
    house.lost("refused");
    expect(doubtSession).toHaveBeenCalledOnce();
  });
});

describe("sending", () => {
  test("a message is pending until the log has it under the same client_id", async () => {
    await openRoom(1, 1);
    await house.post("hello");
    const [said] = link.waiting("message");
    expect(house.outbox.in(ROOM)).toHaveLength(1);
    house.heard({
      name: "message",
      data: message(2, { author: alice, client_id: said?.client_id, body: "hello" }),
    });
    expect(house.outbox.in(ROOM)).toEqual([]);
    expect(seqs()).toEqual([1, 2]);
  });

  test("somebody else's message under the same client_id does not settle mine", async () => {
    await openRoom(1, 1);
    await house.post("hello");
    const [said] = link.waiting("message");
    house.heard({ name: "message", data: message(2, { client_id: said?.client_id }) });
    expect(house.outbox.in(ROOM)).toHaveLength(1);
  });

  test("what was written offline goes after what was missed has come", async () => {
    await openRoom(1, 2);
    house.setOnline(false);
    await house.post("written in the tunnel");
    expect(link.waiting("message")).toEqual([]);
    house.setOnline(true);
    house.opened();
    expect(link.waiting("message")).toEqual([]);
    await letIn(ROOM, 3, 4);
    expect(link.waiting("message").map((said) => said.body)).toEqual(["written in the tunnel"]);
  });

  test("a room is left only when everything written in it is sent", async () => {
    await openRoom(1, 1);
    await house.post("one");
    await house.open(OTHER);
    expect(link.waiting("leave")).toEqual([]);
    await link.answer("message", { seq: 2, id: 2, at: 2 });
    expect(link.waiting("leave")).toEqual([{ room: ROOM }]);
  });
});

describe("a room that is gone", () => {
  const states = () => house.outbox.in(ROOM).map(({ body, state, why }) => [body, state, why]);

  beforeEach(async () => {
    await house.open(ROOM);
    await house.post("one");
    await house.post("two");
    house.opened();
    await link.refuse("join", { code: "room_not_found", message: "There is no room at this address." });
  });

  test("lets go of what waits for it, and says why", () => {
    const why = "There is no room at this address.";
    expect(states()).toEqual([
      ["one", "failed", why],
      ["two", "failed", why],
    ]);
    expect(house.room?.status).toBe("unknown");
  });

  test("is not asked again and again", async () => {
    await house.outbox.wake();
    house.outbox.discard(house.outbox.pending[0]?.client_id ?? "");
    await house.open(OTHER);
    await letIn(OTHER, 1, 1);
    expect(link.waiting("join")).toEqual([]);
  });

  test("is asked once more by who sends again, and by each connection", async () => {
    await house.outbox.retry(house.outbox.pending[0]?.client_id ?? "");
    expect(link.waiting("join")).toEqual([{ room: ROOM }]);
    await link.refuse("join", { code: "room_not_found" });
    expect(states().map(([, state]) => state)).toEqual(["failed", "failed"]);
    house.lost("broken");
    await vi.advanceTimersByTimeAsync(30_000);
    house.opened();
    expect(link.waiting("join")).toEqual([{ room: ROOM }]);
  });

  test("gets what is sent again when it is there after all", async () => {
    await house.outbox.retry(house.outbox.pending[0]?.client_id ?? "");
    await letIn(ROOM, 1, 1);
    expect(link.waiting("message").map(({ body }) => body)).toEqual(["one"]);
    expect(house.room?.status).toBe("entered");
  });

  test("is found in the list as long as something was not sent there", async () => {
    await link.answer("watch_rooms", { rooms: [listed(OTHER, 1)], total: 1 });
    expect(house.unlisted).toEqual([ROOM]);
    for (const { client_id } of [...house.outbox.pending]) house.outbox.discard(client_id);
    expect(house.unlisted).toEqual([]);
  });
});

test("what waits for a room is not given up because a session has ended, or for want of a moment", async () => {
  await house.open(ROOM);
  await house.post("one");
  house.opened();
  await link.refuse("join", { code: "overloaded", retry_after_ms: 4_000 });
  expect(house.outbox.in(ROOM).map(({ state }) => state)).toEqual(["waiting"]);
  await vi.advanceTimersByTimeAsync(4_000);
  await link.refuse("join", { code: "not_logged_in" });
  expect(house.outbox.in(ROOM).map(({ state }) => state)).toEqual(["waiting"]);
});

describe("rooms", () => {
  test("an address that leads nowhere is told apart from a room that cannot be entered now", async () => {
    house.opened();
    await house.open(ROOM);
    await link.refuse("join", { code: "room_not_found" });
    expect(house.room?.status).toBe("unknown");
  });

  test("a room that is overloaded is asked again when it said", async () => {
    house.opened();
    await house.open(ROOM);
    await link.refuse("join", { code: "overloaded", retry_after_ms: 4_000 });
    expect(link.waiting("join")).toEqual([]);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(link.waiting("join")).toHaveLength(1);
  });

  test("a room that one comes back to is there as it was left, and catches up", async () => {
    await openRoom(1, 5);
    await house.open(OTHER);
    await letIn(OTHER, 1, 1);
    await house.open(ROOM);
    expect(seqs()).toEqual([1, 2, 3, 4, 5]);
    expect(link.waiting("join")).toEqual([{ room: ROOM, after: 5, epoch: 1 }]);
  });

  test("a room that went far ahead is opened at its end", async () => {
    await openRoom(1, 5);
    await house.open(OTHER);
    await letIn(OTHER, 1, 1);
    house.heard({ name: "rooms", data: { rooms: [listed(ROOM, 50_000)] } });
    await house.open(ROOM);
    expect(link.waiting("join")).toEqual([{ room: ROOM }]);
  });

  test("a permalink shows the log around its message and lets the live log go on", async () => {
    vi.mocked(api.messages).mockResolvedValue({ epoch: 1, head: 900, messages: messages(75, 124) });
    house.opened();
    await house.open(ROOM, 100);
    expect(api.messages).toHaveBeenCalledWith(ROOM, { after: 74, limit: 50 });
    expect(link.waiting("join")).toEqual([{ room: ROOM, after: 900, epoch: 1 }]);
    await letIn(ROOM, 901, 901);
    expect([house.room?.target, house.room?.timeline.first, house.room?.timeline.last]).toEqual([
      100, 75, 124,
    ]);
  });

  test("the end of the log is gone to also while something else is being loaded", async () => {
    await openRoom(91, 100);
    house.room?.timeline.show({ epoch: 1, head: 100, messages: messages(21, 40) });
    let older: (page: api.MessagePage) => void = () => undefined;
    vi.mocked(api.messages)
      .mockReturnValueOnce(new Promise((resolve) => (older = resolve)))
      .mockResolvedValueOnce({ epoch: 1, head: 100, messages: messages(51, 100) });
    void house.room?.loadOlder();
    await house.post("hello");
    older({ epoch: 1, head: 100, messages: messages(1, 20) });
    await settled();
    expect([house.room?.timeline.first, house.room?.timeline.last]).toEqual([51, 100]);
  });

  test("history of the log as it was before a restoration is not mixed with what there is", async () => {
    await openRoom(51, 60);
    vi.mocked(api.messages).mockResolvedValueOnce({ epoch: 2, head: 50, messages: messages(1, 50) });
    await house.room?.loadOlder();
    expect(house.room?.timeline.first).toBe(51);
  });

  test("a permalink that could not be followed is followed with the next connection", async () => {
    await openRoom(91, 100);
    vi.mocked(api.messages)
      .mockRejectedValueOnce(new NoAnswer())
      .mockResolvedValueOnce({ epoch: 1, head: 100, messages: messages(1, 50) });
    await house.open(ROOM, 20);
    expect(house.room?.failed?.what).toBe("page");
    link.breakOff();
    house.lost("broken");
    house.opened();
    await settled();
    expect([house.room?.failed, house.room?.timeline.first]).toEqual([null, 1]);
  });

  test("whoever has gone elsewhere meanwhile is not taken to where they wanted to be", async () => {
    await openRoom(91, 100);
    house.room?.timeline.show({ epoch: 1, head: 100, messages: messages(21, 40) });
    let newest: (page: api.MessagePage) => void = () => undefined;
    vi.mocked(api.messages).mockReturnValueOnce(new Promise((resolve) => (newest = resolve)));
    void house.room?.showNewest();
    await house.room?.showAround(30);
    newest({ epoch: 1, head: 100, messages: messages(51, 100) });
    await settled();
    expect(house.room?.timeline.first).toBe(21);
  });

  test("whoever is at the live end already is not taken there later", async () => {
    await openRoom(91, 100);
    await house.room?.showNewest();
    house.room?.timeline.show({ epoch: 1, head: 100, messages: messages(21, 40) });
    link.breakOff();
    house.lost("broken");
    house.opened();
    await link.answer("join", { name: "Kitchen", epoch: 1, head: 100 });
    expect(house.room?.timeline.first).toBe(21);
  });

  test("history that could not be loaded is tried again with the next connection", async () => {
    await openRoom(51, 60);
    vi.mocked(api.messages).mockRejectedValueOnce(new NoAnswer());
    await house.room?.loadOlder();
    link.breakOff();
    house.lost("broken");
    house.opened();
    expect(house.room?.failed).toBeNull();
  });

  test("what came before an answer that never came is asked for anew", async () => {
    house.opened();
    await house.open(ROOM);
    for (const one of messages(1, 30)) house.heard({ name: "message", data: one });
    link.breakOff();
    house.lost("broken");
    await vi.advanceTimersByTimeAsync(30_000);
    house.opened();
    expect(link.waiting("join")).toEqual([{ room: ROOM }]);
    await letIn(ROOM, 41, 90);
    expect([house.room?.timeline.first, house.room?.timeline.last]).toEqual([41, 90]);
  });

  test("so many are entered at a time as the server allows, first the one on the screen", async () => {
    const rooms = Array.from({ length: 60 }, (_, number) => `room ${number}`);
    for (const room of rooms) await house.outbox.post(room, "hello");
    await house.open(ROOM);
    house.opened();
    const entered = link.waiting("join").map(({ room }) => room);
    expect([entered.length, entered.includes(ROOM)]).toEqual([40, true]);
    await link.answer("join", { name: "Kitchen", epoch: 1, head: 0 });
  });

  test("history that cannot be loaded says so and can be asked for again", async () => {
    await openRoom(51, 60);
    vi.mocked(api.messages).mockRejectedValueOnce(
      new Refusal({ code: "overloaded", message: "Wait a moment." }),
    );
    await house.room?.loadOlder();
    expect(house.room?.failed).toEqual({ what: "older", why: "Wait a moment." });
    vi.mocked(api.messages).mockResolvedValueOnce({ epoch: 1, head: 60, messages: messages(1, 50) });
    await house.room?.loadOlder();
    expect([house.room?.failed, house.room?.timeline.first]).toEqual([null, 1]);
  });
});

describe("unread", () => {
  test("the line stands before the first message that came while one was elsewhere", async () => {
    await openRoom(1, 5);
    house.room?.readToEnd();
    await house.open(OTHER);
    await letIn(OTHER, 1, 1);
    house.heard({ name: "rooms", data: { rooms: [listed(ROOM, 8)] } });
    expect(house.reads.unread(listed(ROOM, 8))).toBe(3);
    await house.open(ROOM);
    await letIn(ROOM, 6, 8);
    expect(house.room?.unreadFrom).toBe(6);
    house.room?.readToEnd();
    expect(house.reads.unread(listed(ROOM, 8))).toBe(0);
    expect(house.room?.unreadFrom).toBe(6);
  });

  test("a room that was never opened here has nothing unread", () => {
    expect(house.reads.unread(listed(ROOM, 8))).toBe(0);
  });

  test("what stands below the window is not read yet", async () => {
    await openRoom(51, 60);
    house.room?.timeline.show({ epoch: 1, head: 60, messages: messages(1, 20) });
    house.room?.readToEnd();
    expect(house.reads.upTo(ROOM, 1)).toBeNull();
  });
});

describe("presence", () => {
  const person = (id: number, over: Partial<Participant> = {}): Participant => ({
    id,
    name: `no. ${id}`,
    last_active_at: 1_000,
    connected: true,
    ...over,
  });

  test("a full list replaces, a change is merged person by person", async () => {
    await openRoom(1, 1);
    const tell = (full: boolean, users: Participant[]) =>
      house.heard({
        name: "participants",
        data: { room: ROOM, at: 5_000, full, users, total: 2, connected: 1 },
      });
    tell(true, [person(7), person(1), person(2)]);
    tell(true, [person(1), person(2)]);
    tell(false, [person(2, { connected: false })]);
    expect(house.room?.participants.people.map(({ id, connected }) => [id, connected])).toEqual([
      [1, true],
      [2, false],
    ]);
    expect(house.room?.participants.total).toBe(2);
  });

  test("is told in the server's time, whatever this device's clock says", async () => {
    await openRoom(1, 1);
    house.heard({
      name: "participants",
      data: { room: ROOM, at: 9_000_000, full: true, users: [], total: 0, connected: 0 },
    });
    expect(house.clock.server).toBe(9_000_000);
  });

  test("the page beats while it is looked at, and at once when one comes back to it", async () => {
    await openRoom(1, 1);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(link.waiting("heartbeat")).toEqual([{ room: ROOM }]);
    await link.answer("heartbeat", {});
    house.setVisible(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(link.waiting("heartbeat")).toEqual([]);
    house.setVisible(true);
    expect(link.waiting("heartbeat")).toEqual([{ room: ROOM }]);
  });

  test("a glance away is not worth a beat", async () => {
    await openRoom(1, 1);
    house.setVisible(false);
    await vi.advanceTimersByTimeAsync(4_000);
    house.setVisible(true);
    expect(link.waiting("heartbeat")).toEqual([]);
  });
});

test("who is here is believed while connected, and for a moment after", async () => {
  await openRoom(1, 1);
  expect(house.live).toBe(true);
  house.lost("broken");
  expect(house.live).toBe(true);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(house.live).toBe(false);
  house.opened();
  expect(house.live).toBe(true);
  house.setOnline(false);
  expect(house.live).toBe(false);
});

test("an unreachable server is tried again after longer and longer waits, up to a bound", async () => {
  const waits: number[] = [];
  for (let failure = 0; failure < 8; failure += 1) {
    house.lost("broken");
    const { state } = house.connection;
    if (state.is === "waiting") waits.push(state.until - Date.now());
    await vi.advanceTimersByTimeAsync(30_000);
  }
  expect(waits[0]).toBeLessThanOrEqual(1_000);
  expect(Math.max(...waits)).toBeLessThanOrEqual(20_000);
  expect(waits[6]).toBeGreaterThanOrEqual(10_000);
  await settled();
});

test("a draining server is come back to when it said", async () => {
  house.opened();
  house.heard({ name: "draining", data: { retry_after_ms: 7_300 } });
  house.lost("refused");
  expect(house.connection.state).toEqual({ is: "waiting", until: Date.now() + 7_300 });
});

describe("a network that the browser says is away", () => {
  test("is tried all the same: the server may be this very machine", async () => {
    house.opened();
    house.setOnline(false);
    expect(house.connection.state.is).toBe("offline");
    for (const opens of [2, 3]) {
      await vi.advanceTimersByTimeAsync(20_000);
      expect([link.opens, house.connection.state.is]).toEqual([opens, "offline"]);
      house.lost("broken");
    }
    house.opened();
    expect(house.connection.connected).toBe(true);
  });

  test("is tried once at a time when it comes back", () => {
    const closed = vi.spyOn(link, "close");
    house.opened();
    house.setOnline(false);
    house.setOnline(true);
    expect([closed.mock.calls.length, house.connection.state.is]).toEqual([2, "connecting"]);
  });
});

test("what is being put into the outbox is no draft any more", async () => {
  await openRoom(1, 1);
  house.keepDraft(ROOM, "hello\n");
  const posted = house.post("hello");
  expect(house.draftOf(ROOM)).toBe("");
  // A new composer begins, and somebody writes in it. Until the message is safe it stands before that.
  house.keepDraft(ROOM, "");
  expect(house.drafts.of(ROOM)).toBe("hello");
  house.keepDraft(ROOM, "and");
  expect(house.drafts.of(ROOM)).toBe("hello\nand");
  await posted;
  expect(house.drafts.of(ROOM)).toBe("and");
});
