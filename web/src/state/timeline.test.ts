import { beforeEach, describe, expect, test } from "vitest";
import { message, messages } from "./testing";
import { AT_ONCE, Timeline, WINDOW } from "./timeline.svelte";

const seqs = (timeline: Timeline) => timeline.messages.map((one) => one.seq);

let timeline: Timeline;

beforeEach(() => {
  timeline = new Timeline();
});

function enter(from: number, to: number) {
  for (const one of messages(from, to)) timeline.apply([one]);
  timeline.entered(1, to);
}

describe("the live log", () => {
  test("begins with whatever comes first and goes on from there", () => {
    enter(51, 53);
    expect(timeline.apply([message(54)])).toBe(false);
    expect(seqs(timeline)).toEqual([51, 52, 53, 54]);
    expect(timeline.hasOlder).toBe(true);
  });

  test("takes a message once, however often and in whatever order it comes", () => {
    enter(1, 3);
    expect(timeline.apply([message(3), message(1), message(2)])).toBe(false);
    expect(seqs(timeline)).toEqual([1, 2, 3]);
  });

  test("shows nothing beyond a gap until the gap is filled", () => {
    enter(1, 3);
    expect(timeline.apply([message(5)])).toBe(true);
    expect(seqs(timeline)).toEqual([1, 2, 3]);
    timeline.apply([message(4), message(5)]);
    expect(seqs(timeline)).toEqual([1, 2, 3, 4, 5]);
  });

  test("begins with the first message of a room that was empty", () => {
    timeline.entered(1, 0);
    expect(timeline.apply([message(2)])).toBe(true);
    expect(timeline.apply([message(1)])).toBe(false);
    expect(timeline.hasOlder).toBe(false);
  });

  test("forgets everything at a resync and begins anew", () => {
    enter(1, 90);
    timeline.reset(2);
    timeline.apply(messages(31, 40));
    timeline.entered(2, 40);
    expect(seqs(timeline)).toEqual(messages(31, 40).map((one) => one.seq));
    expect([timeline.epoch, timeline.cursor]).toEqual([2, 40]);
  });

  test("keeps the newest while it is followed, and lets go of many at a time and not of each", () => {
    enter(1, WINDOW);
    expect(timeline.first).toBe(1);
    timeline.apply([message(WINDOW + 1)]);
    expect([timeline.first, timeline.last]).toEqual([WINDOW + 2 - AT_ONCE, WINDOW + 1]);
    expect(timeline.hasOlder).toBe(true);
  });

  test("is caught up with to its end, and no more of it is added than can be drawn at once", () => {
    enter(1, 10);
    expect(timeline.apply(messages(11, 10_000))).toBe(false);
    expect(seqs(timeline)).toEqual(messages(10_001 - AT_ONCE, 10_000).map((one) => one.seq));
    expect([timeline.cursor, timeline.hasNewer]).toEqual([10_000, false]);
  });

  test("is caught up with below a reader who is not at the end, where it goes on from what is there", () => {
    enter(1, 10);
    timeline.following = false;
    timeline.apply(messages(11, 10_000));
    expect(seqs(timeline)).toEqual(messages(1, 10 + AT_ONCE).map((one) => one.seq));
    expect([timeline.cursor, timeline.hasNewer]).toEqual([10_000, true]);
  });

  test("is missing nothing if what stood beyond a gap comes again after what filled it", () => {
    enter(1, 3);
    expect(timeline.apply([message(6), message(4), message(5), message(6)])).toBe(false);
    expect(seqs(timeline)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(timeline.apply([message(7), message(9)])).toBe(true);
    expect(timeline.cursor).toBe(7);
  });

  test("is drawn from near its end when its reader comes back to it", () => {
    enter(1, WINDOW);
    timeline.shorten();
    expect([timeline.first, timeline.last]).toEqual([WINDOW + 1 - AT_ONCE, WINDOW]);
    timeline.following = false;
    timeline.prepend(messages(WINDOW + 1 - AT_ONCE - 50, WINDOW - AT_ONCE));
    timeline.shorten();
    expect(timeline.messages.length).toBe(AT_ONCE + 50);
  });

  test("lets go of nothing above a reader who is not at the end; what comes then is loaded later", () => {
    enter(1, WINDOW);
    timeline.following = false;
    expect(timeline.apply([message(WINDOW + 1)])).toBe(false);
    expect([timeline.first, timeline.last, timeline.cursor]).toEqual([1, WINDOW, WINDOW + 1]);
    expect(timeline.hasNewer).toBe(true);
    timeline.append([message(WINDOW + 1)]);
    expect(timeline.hasNewer).toBe(false);
    expect(timeline.first).toBe(2);
  });
});

describe("history", () => {
  test("is put before what is there, and only where it fits without a gap", () => {
    enter(51, 60);
    timeline.prepend(messages(1, 49));
    expect(timeline.first).toBe(51);
    timeline.prepend(messages(41, 50));
    expect(timeline.first).toBe(41);
  });

  test("pushes the newest out of a full window, from where they come back", () => {
    enter(51, 50 + WINDOW);
    timeline.prepend(messages(1, 50));
    expect([timeline.first, timeline.last, timeline.hasNewer]).toEqual([1, WINDOW, true]);
    timeline.append(messages(WINDOW + 1, WINDOW + 50));
    expect([timeline.first, timeline.last, timeline.hasNewer]).toEqual([51, WINDOW + 50, false]);
  });

  test("is shown around an old message while the live log goes on unseen", () => {
    enter(951, 1000);
    timeline.show({ epoch: 1, head: 1000, messages: messages(1, 50) });
    expect(timeline.apply([message(1001)])).toBe(false);
    expect(timeline.apply([message(1003)])).toBe(true);
    expect([timeline.last, timeline.cursor, timeline.hasNewer]).toEqual([50, 1001, true]);
  });

  test("that comes before the room is entered says where the live log begins", () => {
    timeline.show({ epoch: 7, head: 1000, messages: messages(1, 50) });
    expect([timeline.epoch, timeline.cursor]).toEqual([7, 1000]);
    expect(timeline.apply([message(1001)])).toBe(false);
  });

  test("that is ahead of the live log makes its live copies duplicates", () => {
    enter(1, 10);
    timeline.append(messages(11, 12));
    expect(timeline.apply([message(11)])).toBe(false);
    expect(timeline.apply([message(13)])).toBe(false);
    expect(seqs(timeline)).toEqual(messages(1, 13).map((one) => one.seq));
  });
});
