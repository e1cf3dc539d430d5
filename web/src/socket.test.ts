import { afterEach, beforeEach, describe, expect, test, vi, type Mock } from "vitest";
import { NoAnswer } from "./refusal";
import { SocketLink, type LinkListener, type ServerEvent } from "./socket";
import { message, ROOM, settled } from "./state/testing";

/** In place of the library's socket: what it was asked, and what the tests let it hear. */
const socket = {
  connected: true,
  connect: vi.fn(),
  disconnect: vi.fn(),
  listeners: new Map<string, (data: unknown) => void>(),
  answer: (() => undefined) as (ok: unknown) => void,
  on: (name: string, listener: (data: unknown) => void) => socket.listeners.set(name, listener),
  timeout: () => socket,
  emitWithAck: () => new Promise((resolve) => (socket.answer = (ok) => resolve({ ok }))),
  hears: (name: string, data?: unknown) => socket.listeners.get(name)?.(data),
};

vi.mock("socket.io-client", () => ({ io: () => socket }));

let heard: ServerEvent[][];
let lost: Mock<LinkListener["lost"]>;
let link: SocketLink;
const admit = vi.fn<() => Promise<boolean>>();

const seqs = () => heard.map((events) => events.map((event) => event.name === "message" && event.data.seq));

beforeEach(() => {
  vi.useFakeTimers();
  heard = [];
  lost = vi.fn();
  const listener: LinkListener = {
    opened: vi.fn(),
    lost,
    heard: (...events) => heard.push(events),
    answered: vi.fn(),
    unanswered: vi.fn(),
  };
  link = new SocketLink(listener, admit);
});

afterEach(() => {
  vi.useRealTimers();
  vi.resetAllMocks();
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
  let before = 0;
  lost.mockImplementation(() => void (before = heard.flat().length));
  for (const seq of [1, 2, 3]) socket.hears("message", message(seq));
  socket.hears("disconnect", "transport close");
  expect(before).toBe(3);
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

describe("a connection", () => {
  test("is made once we are admitted", async () => {
    admit.mockResolvedValue(true);
    link.open();
    await settled();
    expect(socket.connect).toHaveBeenCalledOnce();
    expect(lost).not.toHaveBeenCalled();
  });

  test("to which we are not admitted is lost, as while a log-out hangs that will fail", async () => {
    admit.mockResolvedValue(false);
    link.open();
    await settled();
    expect(socket.connect).not.toHaveBeenCalled();
    expect(lost).toHaveBeenCalledExactlyOnceWith("broken");
  });

  test("that nobody wants any more is not made, nor lost", async () => {
    for (const admitted of [true, false]) {
      admit.mockResolvedValue(admitted);
      link.open();
      link.close();
      await settled();
    }
    expect(socket.connect).not.toHaveBeenCalled();
    expect(lost).not.toHaveBeenCalled();
  });
});
