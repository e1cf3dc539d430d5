/**
 * Sends what waits for each room, strictly one message after the other: again and again, until the server has taken it or
 * refused it for good.
 */
import { NoAnswer, Refusal } from "../refusal";
import type { Link } from "../socket";
import type { Pending } from "./outbox.svelte";

/** How long to wait after an answer failed to come although the connection stands; doubled each time, to at most the other. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/** What waits. */
export interface Queue {
  /** What the room is to get first, if that is for this tab to send. */
  first: (room: string) => Pending | undefined;
  find: (clientId: string) => Pending | undefined;
  /** The message has become one of the room's log. */
  settle: (clientId: string) => void;
  /** The messages will not become that. */
  fail: (messages: Pending[], why: unknown) => Promise<void>;
}

export class Sending {
  /** Rooms in which the server takes messages from us at the moment. */
  #entered = new Set<string>();
  #busy = new Set<string>();
  /** What ends the wait before a room's next attempt. */
  #wake = new Map<string, () => void>();

  constructor(
    private readonly link: Pick<Link, "ask">,
    private readonly queue: Queue,
    /** Called when we may have to be in other rooms than before, `notIn` being one that we are not in after all. */
    private readonly changed: (notIn?: string) => void,
    private readonly random: () => number,
  ) {}

  /** We have entered the room, with everything that we missed received. */
  entered(room: string) {
    this.#entered.add(room);
    this.#wake.get(room)?.();
    void this.#send(room);
  }

  left(room: string) {
    this.#entered.delete(room);
  }

  disconnected() {
    this.#entered.clear();
  }

  /** There may be more to send, or it may be for us to send it. */
  goOn() {
    for (const room of this.#entered) void this.#send(room);
  }

  /** Nobody waits any more. */
  stop() {
    this.disconnected();
    for (const wake of this.#wake.values()) wake();
  }

  async #send(room: string) {
    if (this.#busy.has(room)) return;
    this.#busy.add(room);
    let unanswered = 0;
    for (let next = this.#next(room); next; next = this.#next(room)) {
      next.state = "sending";
      const outcome = await this.#attempt(next);
      unanswered = outcome === "unanswered" ? unanswered + 1 : 0;
      const wait = outcome === "unanswered" ? this.#backoff(unanswered) : outcome;
      if (wait > 0 && this.#next(room)) await this.#pause(room, wait);
    }
    this.#busy.delete(room);
    if (this.#entered.has(room)) this.changed();
  }

  #next(room: string): Pending | undefined {
    const first = this.#entered.has(room) ? this.queue.first(room) : undefined;
    return first?.state === "waiting" ? first : undefined;
  }

  /** Sends one message once. Returns how many milliseconds the server wants us to wait before the next attempt. */
  async #attempt({ room, client_id, body }: Pending): Promise<number | "unanswered"> {
    try {
      await this.link.ask("message", { room, client_id, body });
      this.queue.settle(client_id);
      return 0;
    } catch (thrown) {
      const found = this.queue.find(client_id);
      if (!found) return 0;
      found.state = "waiting";
      if (thrown instanceof NoAnswer) return "unanswered";
      if (thrown instanceof Refusal && thrown.retryAfterMs !== undefined) return thrown.retryAfterMs;
      if (thrown instanceof Refusal && thrown.code === "not_in_room") {
        this.#entered.delete(room);
        this.changed(room);
        return 0;
      }
      await this.queue.fail([found], thrown);
      return 0;
    }
  }

  #backoff(unanswered: number): number {
    const longest = Math.min(FIRST_WAIT_MS * 2 ** (unanswered - 1), LONGEST_WAIT_MS);
    return Math.round(longest * (0.5 + this.random() / 2));
  }

  /** A wait that entering the room anew cuts short. */
  async #pause(room: string, ms: number) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake.set(room, () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.#wake.delete(room);
  }
}
