/**
 * What is shown of a room's log: one run of messages without gaps, in the order of `seq`.
 * It follows the live end, or stands somewhere in history; then the live end goes on as `cursor` alone.
 */
import type { Message } from "../wire";

/** How many messages are kept at a time. What goes beyond is let go on the far side and loaded again when needed. */
export const WINDOW = 400;

/** How many are added at a time: drawing more would be felt. Those left out are loaded again when they come near. */
export const AT_ONCE = 100;

export class Timeline {
  messages = $state.raw<Message[]>([]);
  epoch = $state<number | null>(null);
  /** The last event received from the live log; null before any. Resuming begins after it. */
  cursor = $state<number | null>(null);
  /** Whether the reader is at the live end and wants to stay there: then the beginning may be let go. */
  following = true;

  readonly first = $derived(this.messages[0]?.seq ?? null);
  readonly last = $derived(this.messages.at(-1)?.seq ?? null);
  readonly hasOlder = $derived(this.first === null ? (this.cursor ?? 0) > 0 : this.first > 1);
  readonly hasNewer = $derived(this.last !== null && this.cursor !== null && this.last < this.cursor);

  holds(seq: number): boolean {
    return this.first !== null && this.last !== null && seq >= this.first && seq <= this.last;
  }

  /** Messages of the live log. Returns whether any is missing: then the log must be asked for from the cursor on. */
  apply(arrived: Message[]): boolean {
    const atEnd = !this.hasNewer;
    let { cursor } = this;
    let beyond = 0;
    const next: Message[] = [];
    for (const message of arrived) {
      if (cursor === null || message.seq === cursor + 1) {
        cursor = message.seq;
        next.push(message);
      } else if (message.seq > cursor) beyond = message.seq;
    }
    this.cursor = cursor;
    if (atEnd && next.length > 0) this.messages = this.following ? this.#upTo(next) : this.#from(next);
    return beyond > (cursor ?? 0);
  }

  /** The reader begins at the live end: what is far above it need not be drawn. */
  shorten() {
    if (this.following) this.messages = this.messages.slice(-AT_ONCE);
  }

  /** The server stands at `head`, and everything up to it has been received. */
  entered(epoch: number, head: number) {
    this.epoch = epoch;
    this.cursor = Math.max(this.cursor ?? 0, head);
  }

  /** Forgets everything: what comes next begins a new run. */
  reset(epoch: number | null = null) {
    this.messages = [];
    this.epoch = epoch;
    this.cursor = null;
    this.following = true;
  }

  /** Shows another part of the log. The live end stays where it is, if there is one yet. */
  show(page: { epoch: number; head: number; messages: Message[] }) {
    this.messages = page.messages;
    this.epoch ??= page.epoch;
    this.cursor ??= page.head;
    this.following = false;
  }

  prepend(page: Message[]) {
    const first = this.first;
    if (first === null || page.at(-1)?.seq !== first - 1) return;
    this.messages = [...page, ...this.messages].slice(0, WINDOW);
  }

  append(page: Message[]) {
    const last = this.last;
    if (last === null || page[0]?.seq !== last + 1) return;
    this.messages = [...this.messages, ...page].slice(-WINDOW);
    // A page from history may be ahead of the live log for a moment; the live copies are then duplicates.
    this.cursor = Math.max(this.cursor ?? 0, this.last ?? 0);
  }

  /** The end of what there is with these, for who follows it. */
  #upTo(next: Message[]): Message[] {
    const all = [...this.messages, ...next];
    return next.length > AT_ONCE || all.length > WINDOW ? all.slice(-AT_ONCE) : all;
  }

  /** What there is and the beginning of these, for who stands above it. */
  #from(next: Message[]): Message[] {
    const room = Math.max(0, WINDOW - this.messages.length);
    return [...this.messages, ...next.slice(0, Math.min(room, AT_ONCE))];
  }
}
