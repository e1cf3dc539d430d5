import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { NoAnswer } from "./refusal";
import { SocketLink, type LinkListener, type ServerEvent } from "./socket";
import { message, ROOM } from "./state/testing";

/** In place of the library's socket: what it was asked, and what the tests let it hear. */
const socket = {
  connected: true,
  listeners: new Map<string, (data: unknown) => void>(),
  answer: (() => undefined) as (ok: unknown) => void,
  on: (name: string, listener: (data: unknown) => void) => socket.listeners.set(name, listener),
  timeout: () => socket,
  emitWithAck: () => new Promise((resolve) => (socket.answer = (ok) => resolve({ ok }))),
  hears: (name: string, data?: unknown) => socket.listeners.get(name)?.(data),
};

vi.mock("socket.io-client", () => ({ io: () => socket }));

let heard: ServerEvent[][];
let lost: number;
let link: SocketLink;

const seqs = () => heard.map((events) => events.map((event) => event.name === "message" && event.data.seq));

beforeEach(() => {
  vi.useFakeTimers();
  heard = [];
  lost = 0;
  const listener: LinkListener = {
    opened: vi.fn(),
    lost: () => (lost = heard.flat().length),
    heard: (...events) => heard.push(events),
    answered: vi.fn(),
    unanswered: vi.fn(),
  };
  link = new SocketLink(listener, () => Promise.resolve(true));
});

afterEach(() => {
  vi.useRealTimers();
});

test("what was told before an answer is heard before it", async () => {
  const answered = link.ask("join", { room: ROOM });
  for (const seq of [1, 2, 3]) socket.hears("message", message(seq));
  expect(seqs()).toEqual([[1]]);
  socket.answer({ head: 3 });
  expect(await answered).toEqual({ head: 3 });
  expect(seqs()).toEqual([[1], [2, 3]]);
});

test("what was told before the connection was lost is heard before that", () => {
  for (const seq of [1, 2, 3]) socket.hears("message", message(seq));
  socket.hears("disconnect", "transport close");
  expect(lost).toBe(3);
});

test("an answer is taken for lost when nothing comes any more, and not while a long log does", async () => {
  let outcome: unknown = null;
  link.ask("join", { room: ROOM }).catch((thrown: unknown) => (outcome = thrown));
  for (let seq = 1; seq <= 10; seq += 1) {
    await vi.advanceTimersByTimeAsync(5_000);
    socket.hears("message", message(seq));
  }
  expect(outcome).toBeNull();
  await vi.advanceTimersByTimeAsync(9_000);
  expect(outcome).toBeNull();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(outcome).toBeInstanceOf(NoAnswer);
});
