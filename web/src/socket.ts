/** The live door. Nothing else in the page knows that it is Socket.IO. */
import { io, type Socket } from "socket.io-client";
import { NoAnswer, Refusal } from "./refusal";
import type { ApiError, ClientEvents, ServerEvents } from "./wire";

/** How long an answer may take before it is taken for lost and asked for again. */
const ANSWER_MS = 10_000;

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
  heard(event: ServerEvent): void;
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
      if (reason === "io client disconnect") return;
      listener.lost(reason === "io server disconnect" ? "refused" : "broken");
    });
    // A browser does not tell a refused handshake from an unreachable server, so neither can this.
    this.#socket.on("connect_error", () => listener.lost("refused"));
    for (const name of Object.keys(SERVER_EVENTS)) {
      this.#socket.on(name, (data: unknown) => listener.heard({ name, data } as ServerEvent));
    }
  }

  open() {
    const turn = ++this.#turns;
    this.admit().then(
      (admitted) => turn === this.#turns && admitted && this.#socket.connect(),
      () => turn === this.#turns && this.listener.lost("broken"),
    );
  }

  close() {
    this.#turns += 1;
    this.#socket.disconnect();
  }

  async ask<E extends keyof ClientEvents>(event: E, payload: Payload<E>): Promise<Ok<E>> {
    // An emit while disconnected would be kept and sent later, behind the back of who asked.
    if (!this.#socket.connected) throw new NoAnswer();
    let answer: { ok: Ok<E> } | { error: ApiError };
    try {
      answer = await this.#socket.timeout(ANSWER_MS).emitWithAck(event, payload);
    } catch {
      if (this.#socket.connected) this.listener.unanswered();
      throw new NoAnswer();
    }
    this.listener.answered();
    if ("error" in answer) throw new Refusal(answer.error);
    return answer.ok;
  }
}
