/** What the tests of the state share: messages, and a connection whose answers they give by hand. */
import { NoAnswer, Refusal } from "../refusal";
import type { Link, Ok, Payload } from "../socket";
import type { Storage } from "../storage";
import type { ApiError, ClientEvents, Message, User } from "../wire";

export const ROOM = "6a1f7c0e-58a4-4a3c-9d0c-0d2b4b9a7e11";
export const alice: User = { id: 1, name: "alice" };
export const bob: User = { id: 2, name: "bob" };

export function message(seq: number, over: Partial<Message> = {}): Message {
  return {
    room: ROOM,
    seq,
    id: seq,
    client_id: `of ${seq}`,
    author: bob,
    body: `no. ${seq}`,
    at: seq * 1000,
    ...over,
  };
}

export function messages(from: number, to: number): Message[] {
  return Array.from({ length: to - from + 1 }, (_, index) => message(from + index));
}

export function memory(): Storage {
  const values = new Map<string, string>();
  return {
    get: (key) => values.get(key) ?? null,
    set: (key, value) => void values.set(key, value),
    remove: (key) => void values.delete(key),
  };
}

interface Question {
  event: keyof ClientEvents;
  payload: unknown;
  resolve: (ok: never) => void;
  reject: (error: Error) => void;
}

export class FakeLink implements Link {
  opens = 0;
  asked: Question[] = [];

  open() {
    this.opens += 1;
  }

  close() {
    this.breakOff();
  }

  ask<E extends keyof ClientEvents>(event: E, payload: Payload<E>): Promise<Ok<E>> {
    return new Promise<Ok<E>>((resolve, reject) => this.asked.push({ event, payload, resolve, reject }));
  }

  /** The payloads of all questions of one kind that are not answered yet. */
  waiting<E extends keyof ClientEvents>(event: E): Payload<E>[] {
    return this.asked
      .filter((question) => question.event === event)
      .map((question) => question.payload as Payload<E>);
  }

  async answer<E extends keyof ClientEvents>(event: E, ok: Ok<E>) {
    this.#take(event).resolve(ok as never);
    await settled();
  }

  async refuse(event: keyof ClientEvents, error: Partial<ApiError> & { code: string }) {
    this.#take(event).reject(new Refusal({ message: "No.", ...error }));
    await settled();
  }

  /** Nothing that was asked is answered any more. */
  breakOff() {
    for (const { reject } of this.asked.splice(0)) reject(new NoAnswer());
  }

  #take(event: keyof ClientEvents): Question {
    const index = this.asked.findIndex((question) => question.event === event);
    const [question] = index === -1 ? [] : this.asked.splice(index, 1);
    if (!question) throw new Error(`nobody asked ${event}`);
    return question;
  }
}

/** Lets everything run that waits for nothing but its turn. */
export async function settled() {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}
