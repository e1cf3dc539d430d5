import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Outbox } from "./outbox.svelte";
import { FakeLink, ROOM, settled } from "./testing";

const OTHER = "b3f5a0a2-7b11-4a0b-8c6f-2f0d5f6f9c22";
const SENT = { seq: 1, id: 1, at: 1 };

let link: FakeLink;
let outbox: Outbox;
const stopped = vi.fn();

beforeEach(() => {
  vi.useFakeTimers();
  stopped.mockReset();
  link = new FakeLink();
  outbox = new Outbox(link, stopped);
});

afterEach(() => {
  vi.useRealTimers();
});

const sending = () => link.waiting("message").map((payload) => payload.body);
const states = () => outbox.pending.map((message) => `${message.body}: ${message.state}`);

describe("a message", () => {
  test("waits until the room is entered", async () => {
    outbox.post(ROOM, "one");
    await settled();
    expect(sending()).toEqual([]);
    outbox.entered(ROOM);
    expect(sending()).toEqual(["one"]);
  });

  test("is gone from here when it is acked", async () => {
    outbox.entered(ROOM);
    outbox.post(ROOM, "one");
    await link.answer("message", SENT);
    expect(outbox.pending).toEqual([]);
    expect(stopped).toHaveBeenCalledWith(ROOM, "done");
  });

  test("is gone from here when it is seen in the log, and the ack changes nothing more", async () => {
    outbox.entered(ROOM);
    outbox.post(ROOM, "one");
    outbox.settle(outbox.pending[0]?.client_id ?? "");
    expect(outbox.pending).toEqual([]);
    await link.answer("message", SENT);
    expect(outbox.pending).toEqual([]);
  });

  test("keeps its client_id in every attempt", async () => {
    outbox.entered(ROOM);
    outbox.post(ROOM, "one");
    const [first] = link.waiting("message");
    link.breakOff();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(link.waiting("message")).toEqual([first]);
  });
});

describe("messages of one room", () => {
  test("go one after the other, in the order in which they were written", async () => {
    outbox.entered(ROOM);
    for (const body of ["one", "two", "three"]) outbox.post(ROOM, body);
    for (const body of ["one", "two", "three"]) {
      expect(sending()).toEqual([body]);
      await link.answer("message", SENT);
    }
    expect(outbox.pending).toEqual([]);
  });

  test("keep their order through a lost connection", async () => {
    outbox.entered(ROOM);
    outbox.post(ROOM, "one");
    outbox.post(ROOM, "two");
    outbox.disconnected();
    link.breakOff();
    outbox.post(ROOM, "three");
    await settled();
    expect(states()).toEqual(["one: waiting", "two: waiting", "three: waiting"]);
    outbox.entered(ROOM);
    for (const body of ["one", "two", "three"]) {
      expect(sending()).toEqual([body]);
      await link.answer("message", SENT);
    }
  });

  test("wait as long as the server says, without overtaking", async () => {
    outbox.entered(ROOM);
    outbox.post(ROOM, "one");
    outbox.post(ROOM, "two");
    await link.refuse("message", { code: "rate_limited", retry_after_ms: 3_000 });
    await vi.advanceTimersByTimeAsync(2_999);
    expect(sending()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(sending()).toEqual(["one"]);
  });

  test("do not hold up those of another room", async () => {
    outbox.entered(ROOM);
    outbox.entered(OTHER);
    outbox.post(ROOM, "here");
    outbox.post(OTHER, "there");
    expect(sending()).toEqual(["here", "there"]);
  });
});

describe("a message that the server does not take", () => {
  beforeEach(async () => {
    outbox.entered(ROOM);
    outbox.post(ROOM, "bad");
    outbox.post(ROOM, "good");
    await link.refuse("message", { code: "invalid_body", message: "It is too long." });
  });

  test("says why, and lets the next one pass", () => {
    expect(states()).toEqual(["bad: failed", "good: sending"]);
    expect(outbox.pending[0]?.why).toBe("It is too long.");
  });

  test("can be sent again", async () => {
    await link.answer("message", SENT);
    outbox.retry(outbox.pending[0]?.client_id ?? "");
    expect(sending()).toEqual(["bad"]);
    expect(states()).toEqual(["bad: sending"]);
  });

  test("can be thrown away, other than one that is on its way", () => {
    for (const { client_id } of [...outbox.pending]) outbox.discard(client_id);
    expect(states()).toEqual(["good: sending"]);
  });
});

test("a room that we turn out not to be in is asked for, and the message waits", async () => {
  outbox.entered(ROOM);
  outbox.post(ROOM, "one");
  await link.refuse("message", { code: "not_in_room" });
  expect(stopped).toHaveBeenCalledWith(ROOM, "not_in_room");
  expect(states()).toEqual(["one: waiting"]);
  outbox.entered(ROOM);
  expect(sending()).toEqual(["one"]);
});
