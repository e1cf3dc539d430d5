/**
 * Messages on their way. Each is sent again, under the same `client_id`, until the server has answered;
 * those of one room go strictly one after the other. Nothing here is lost by losing the network.
 */
import { NoAnswer, Refusal, sentence } from "../refusal";
import type { Link } from "../socket";
import { uuid } from "../uuid";

/** How long to wait after an answer failed to come although the connection stands. */
const RETRY_MS = 1_000;

export interface Pending {
  room: string;
  client_id: string;
  body: string;
  /** When it was written, by this device's clock. */
  at: number;
  state: "waiting" | "sending" | "failed";
  /** Why it failed. */
  why: string | null;
}

export class Outbox {
  /** In the order of writing. Not bounded: it holds what one person has typed and not yet been rid of. */
  pending = $state<Pending[]>([]);
  /** Rooms in which the server takes messages from us at the moment. */
  #entered = new Set<string>();
  #busy = new Set<string>();

  constructor(
    private readonly link: Pick<Link, "ask">,
    /** Called when a room has nothing more to send, or the server says that we are not in it after all. */
    private readonly stopped: (room: string, why: "done" | "not_in_room") => void = () => undefined,
  ) {}

  in(room: string): Pending[] {
    return this.pending.filter((message) => message.room === room);
  }

  /** Whether anything of this room still has to be sent without anybody's doing. */
  hasWork(room: string): boolean {
    return this.pending.some((message) => message.room === room && message.state !== "failed");
  }

  post(room: string, body: string) {
    this.pending.push({ room, client_id: uuid(), body, at: Date.now(), state: "waiting", why: null });
    void this.#send(room);
  }

  /** The message has become one of the room's log. */
  settle(clientId: string) {
    this.pending = this.pending.filter((message) => message.client_id !== clientId);
  }

  retry(clientId: string) {
    const message = this.#find(clientId);
    if (message?.state !== "failed") return;
    // It goes to the end: what was written after it has perhaps been sent already.
    this.settle(clientId);
    this.pending.push({ ...message, state: "waiting", why: null });
    void this.#send(message.room);
  }

  discard(clientId: string) {
    if (this.#find(clientId)?.state === "failed") this.settle(clientId);
  }

  /** We have entered the room, with everything that we missed received. */
  entered(room: string) {
    this.#entered.add(room);
    void this.#send(room);
  }

  left(room: string) {
    this.#entered.delete(room);
  }

  disconnected() {
    this.#entered.clear();
  }

  async #send(room: string) {
    if (this.#busy.has(room)) return;
    this.#busy.add(room);
    for (let next = this.#next(room); next; next = this.#next(room)) {
      next.state = "sending";
      const wait = await this.#attempt(next);
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    }
    this.#busy.delete(room);
    if (this.#entered.has(room)) this.stopped(room, "done");
  }

  /** Sends one message once. Returns how many milliseconds to wait before the next attempt. */
  async #attempt(message: Pending): Promise<number> {
    const { room, client_id, body } = message;
    try {
      await this.link.ask("message", { room, client_id, body });
      this.settle(client_id);
      return 0;
    } catch (thrown) {
      const found = this.#find(client_id);
      if (!found) return 0;
      found.state = "waiting";
      if (thrown instanceof NoAnswer) return this.#entered.has(room) ? RETRY_MS : 0;
      if (thrown instanceof Refusal && thrown.retryAfterMs !== undefined) return thrown.retryAfterMs;
      if (thrown instanceof Refusal && thrown.code === "not_in_room") {
        this.#entered.delete(room);
        this.stopped(room, "not_in_room");
        return 0;
      }
      found.state = "failed";
      found.why = sentence(thrown);
      return 0;
    }
  }

  #next(room: string): Pending | undefined {
    if (!this.#entered.has(room)) return undefined;
    return this.pending.find((message) => message.room === room && message.state === "waiting");
  }

  #find(clientId: string): Pending | undefined {
    return this.pending.find((message) => message.client_id === clientId);
  }
}
