/** Keeps one connection to the server, and knows what to tell people about it. */
import type { Link } from "../socket";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 20_000;

export type ConnectionState =
  | { is: "closed" }
  | { is: "connecting" }
  | { is: "connected" }
  | { is: "waiting"; until: number }
  | { is: "offline" };

export class Connection {
  state = $state.raw<ConnectionState>({ is: "closed" });
  /** Whether it was ever connected: before that, a try is the page loading and not a reconnect. */
  everConnected = $state(false);
  /** When it was last lost, by this device's clock; null before that. */
  lostAt = $state<number | null>(null);
  /** Connected, and yet what was asked last went without an answer. */
  silent = $state(false);
  #failures = 0;
  #serverWait: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly link: Pick<Link, "open" | "close">,
    private readonly random: () => number = Math.random,
  ) {}

  get connected(): boolean {
    return this.state.is === "connected";
  }

  /** Whether the last try for a connection failed, and none has come about since. */
  get failing(): boolean {
    return !this.connected && (this.state.is === "offline" || this.#failures > 0);
  }

  open() {
    if (this.state.is === "connected" || this.state.is === "connecting") return;
    clearTimeout(this.#timer);
    this.state = { is: "connecting" };
    this.link.open();
  }

  close() {
    clearTimeout(this.#timer);
    this.state = { is: "closed" };
    this.link.close();
  }

  opened() {
    this.#failures = 0;
    this.#serverWait = null;
    this.silent = false;
    this.everConnected = true;
    this.state = { is: "connected" };
  }

  answered() {
    this.silent = false;
  }

  unanswered() {
    this.silent = true;
  }

  lost() {
    if (this.state.is === "connected") this.lostAt = Date.now();
    if (this.state.is === "closed") return;
    const wait = this.#serverWait ?? this.#backoff();
    this.#serverWait = null;
    this.#failures += 1;
    if (this.state.is === "offline") return this.#tryOffline(wait);
    clearTimeout(this.#timer);
    this.state = { is: "waiting", until: Date.now() + wait };
    this.#timer = setTimeout(() => this.open(), wait);
  }

  /** The server is about to go and says when to come back; it spreads its clients' return. */
  draining(retryAfterMs: number) {
    this.#serverWait = retryAfterMs;
  }

  /** What the browser says about the network. Offline it is tried all the same: the server may be this very machine. */
  setOnline(online: boolean) {
    if (this.state.is === "closed") return;
    if (online && this.state.is !== "connected") {
      this.#failures = 0;
      // A try may be under way.
      if (this.state.is === "offline") this.link.close();
      this.open();
    } else if (!online) {
      this.state = { is: "offline" };
      this.link.close();
      this.#tryOffline(this.#backoff());
    }
  }

  #tryOffline(wait: number) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.link.open(), wait);
  }

  /** Doubles with each failure; the spread keeps a thousand pages from coming back in the same instant. */
  #backoff(): number {
    const longest = Math.min(FIRST_WAIT_MS * 2 ** this.#failures, LONGEST_WAIT_MS);
    return Math.round(longest * (0.5 + this.random() / 2));
  }
}
