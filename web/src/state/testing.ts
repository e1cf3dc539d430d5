/** What the tests of the state share: messages, and a connection whose answers they give by hand. */
import { NoAnswer, Refusal } from "../refusal";
import type { Link, Ok, Payload } from "../socket";
import type { Storage } from "../storage";
import type { Candidate, Tabs, Word } from "../tabs";
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
    removeAll: (prefix) => {
      for (const key of [...values.keys()]) if (key.startsWith(prefix)) values.delete(key);
    },
  };
}

/** A browser's tabs, without the browser. */
export class FakeTabs {
  #open = new Set<FakeTab>();
  #lines = new Map<string, FakeCandidate[]>();

  open(): FakeTab {
    const tab = new FakeTab(this);
    this.#open.add(tab);
    return tab;
  }

  tell(from: FakeTab, word: Word) {
    if (!this.#open.has(from)) return;
    for (const tab of this.#open) if (tab !== from) queueMicrotask(() => tab.hear(word));
  }

  stand(candidate: FakeCandidate, first: boolean) {
    if (!this.#open.has(candidate.tab)) return;
    const line = this.#lines.get(candidate.office) ?? [];
    const others = line.filter((other) => other !== candidate);
    this.#line(candidate.office, line[0], first ? [candidate, ...others] : [...others, candidate]);
  }

  withdraw(candidate: FakeCandidate) {
    const line = this.#lines.get(candidate.office) ?? [];
    const left = line.filter((other) => other !== candidate);
    this.#line(candidate.office, line[0] === candidate ? undefined : line[0], left);
  }

  /** It is closed, or it crashes: nobody in it hears of it. */
  close(tab: FakeTab) {
    this.#open.delete(tab);
    for (const line of [...this.#lines.values()].flat()) if (line.tab === tab) this.withdraw(line);
  }

  #line(office: string, before: FakeCandidate | undefined, line: FakeCandidate[]) {
    this.#lines.set(office, line);
    if (line[0] === before) return;
    before?.changed(false);
    line[0]?.changed(true);
  }
}

export class FakeTab implements Tabs {
  #listeners = new Set<(word: Word) => void>();

  constructor(private readonly all: FakeTabs) {}

  tell(word: Word) {
    this.all.tell(this, word);
  }

  hear(word: Word) {
    for (const listener of this.#listeners) listener(word);
  }

  listen(listener: (word: Word) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  standFor(office: string, changed: (held: boolean) => void): FakeCandidate {
    const candidate = new FakeCandidate(this.all, this, office, changed);
    queueMicrotask(() => this.all.stand(candidate, false));
    return candidate;
  }
}

class FakeCandidate implements Candidate {
  constructor(
    private readonly all: FakeTabs,
    readonly tab: FakeTab,
    readonly office: string,
    readonly changed: (held: boolean) => void,
  ) {}

  take() {
    this.all.stand(this, true);
  }

  withdraw() {
    this.all.withdraw(this);
  }
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

  /** Nothing that is asked from now on is answered, and nobody hears of it. */
  break() {
    this.asked.length = 0;
    this.ask = () => new Promise<never>(() => undefined);
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
  for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
}
