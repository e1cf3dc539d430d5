/** The live door. Nothing else in the page knows that it is Socket.IO. */
import { io, type Socket } from "socket.io-client";
import { Arrivals } from "./arrivals";
import { NoAnswer, Refusal } from "./refusal";
import type { ApiError, ClientEvents, ServerEvents } from "./wire";

/** For how long nothing may come from the server before an answer is taken for lost. A long log comes before its answer. */
const ANSWER_MS = 10_000;
/** As long as a timer can be: what ends the waiting for an answer is silence, or the connection's end. */
const NEVER_MS = 2 ** 31 - 1;

export type Ok<E extends keyof ClientEvents> = ClientEvents[E]["ok"];
export type Payload<E extends keyof ClientEvents> = ClientEvents[E]["payload"];

/** One event from the server, tagged with its name. */
export type ServerEvent = {
  [E in keyof ServerEvents]: { name: E; data: ServerEvents[E] };
}[keyof ServerEvents];

/** Why there is no connection: it broke, or the server closed it or did not let us in, perhaps because the session is over. */
export type Loss = "broken" | "refused";

/** What state needs of a connection; tests bring their own. */
export interface Link {
  open(): void;
  close(): void;
  /** Resolves with `ok`; rejects with a `Refusal`, or with `NoAnswer` when the outcome is unknown. */
  ask<E extends keyof ClientEvents>(event: E, payload: Payload<E>): Promise<Ok<E>>;
}

export interface LinkListener {
  opened(): void;
  lost(why: Loss): void;
  /** What the server told, in its order; more than one thing if they came in quick succession. */
  heard(...events: ServerEvent[]): void;
  /** A question was answered, or refused. */
  answered(): void;
  /** No answer came in time, though the connection stands. */
  unanswered(): void;
}

/** The names are listed as a record so that a new event of the wire is missed by the compiler here. */
const SERVER_EVENTS: Record<keyof ServerEvents, true> = {
  participants: true,
  message: true,
  resync: true,
  rooms: true,
  draining: true,
};

export class SocketLink implements Link {
  #socket: Socket;
  /** Counts the openings and closings, so that a late word about one does not concern the next. */
  #turns = 0;
  #arrivals = new Arrivals<ServerEvent>((events) => this.listener.heard(...events));
  #heardAt = 0;

  constructor(
    private readonly listener: LinkListener,
    /** Asked before each connection is made. */
    private readonly admit: () => Promise<boolean>,
  ) {
    // When to try again is for the page to decide, since it says so on its connection line.
    this.#socket = io({
      autoConnect: false,
      reconnection: false,
      transports: ["websocket", "polling"],
      tryAllTransports: true,
    });
    this.#socket.on("connect", () => listener.opened());
    this.#socket.on("disconnect", (reason) => {
      this.#arrivals.now();
      if (reason === "io client disconnect") return;
      listener.lost(reason === "io server disconnect" ? "refused" : "broken");
    });
    // A browser does not tell a refused handshake from an unreachable server, so neither can this.
    this.#socket.on("connect_error", () => listener.lost("refused"));
    for (const name of Object.keys(SERVER_EVENTS)) {
      this.#socket.on(name, (data: unknown) => {
        this.#heardAt = performance.now();
        this.#arrivals.add({ name, data } as ServerEvent);
      });
    }
  }

  open() {
    const turn = ++this.#turns;
    // Who is not let in, and has not been sent away either, is in between: logging out, perhaps in vain.
    const connect = (admitted: boolean) => {
      if (turn !== this.#turns) return;
      if (admitted) this.#socket.connect();
      else this.listener.lost("broken");
    };
    this.admit().then(connect, () => connect(false));
  }

  close() {
    this.#turns += 1;
    this.#socket.disconnect();
  }

  async ask<E extends keyof ClientEvents>(event: E, payload: Payload<E>): Promise<Ok<E>> {
    // An emit while disconnected would be kept and sent later, behind the back of who asked.
    if (!this.#socket.connected) throw new NoAnswer();
    let answer: { ok: Ok<E> } | { error: ApiError };
    const silence = this.#silence();
    try {
      const asked = this.#socket.timeout(NEVER_MS).emitWithAck(event, payload);
      answer = await Promise.race([asked, silence.falls]);
    } catch {
      if (this.#socket.connected) this.listener.unanswered();
      throw new NoAnswer();
    } finally {
      silence.forget();
    }
    // What was told before the answer is heard before it.
    this.#arrivals.now();
    this.listener.answered();
    if ("error" in answer) throw new Refusal(answer.error);
    return answer.ok;
  }

  /** `falls` rejects when the server has been silent for too long from now on. */
  #silence(): { falls: Promise<never>; forget: () => void } {
    let timer: ReturnType<typeof setTimeout>;
    const falls = new Promise<never>((_, reject) => {
      const wait = (ms: number) => {
        timer = setTimeout(() => {
          const rest = this.#heardAt + ANSWER_MS - performance.now();
          if (rest > 0) wait(rest);
          else reject(new NoAnswer());
        }, ms);
      };
      wait(ANSWER_MS);
    });
    return { falls, forget: () => clearTimeout(timer) };
  }
}
