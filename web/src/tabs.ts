/**
 * The other tabs of this browser in which the page is open. What is said here is heard in all of them but one's own,
 * and there are offices that one of them holds at a time. Nothing else knows of locks and channels.
 */

/** What the tabs tell each other; `user` says of whom. */
export type Word =
  /** Something was put into their outbox or taken out of it. */
  | { is: "outbox"; user: number }
  /** They have come in. */
  | { is: "entered"; user: number }
  /** They have logged out. */
  | { is: "left"; user: number };

export interface Tabs {
  tell(word: Word): void;
  /** Until the returned function is called. */
  listen(listener: (word: Word) => void): () => void;
  /**
   * Stands in line for an office. `changed` is told when this tab has got it and when another has taken it away. It falls
   * to the next in line as soon as its tab is closed or crashes.
   */
  standFor(office: string, changed: (held: boolean) => void): Candidate;
}

export interface Candidate {
  /** Takes the office from whoever has it. */
  take(): void;
  /** Gives it up, or no longer waits for it. */
  withdraw(): void;
}

/** The tabs of this browser. */
export function browserTabs(): Tabs {
  const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("parlor");
  return {
    tell: (word) => channel?.postMessage(word),
    listen(listener) {
      const hear = (event: MessageEvent<Word>) => listener(event.data);
      channel?.addEventListener("message", hear);
      return () => channel?.removeEventListener("message", hear);
    },
    standFor(office, changed) {
      // There are no locks on plain http in a local network. Then everybody is in office: whoever holds one must do no
      // harm by it even if another does as well.
      if (!("locks" in navigator)) return new Sinecure(changed);
      return new LockCandidate(navigator.locks, `parlor.${office}`, changed);
    },
  };
}

class Sinecure implements Candidate {
  #withdrawn = false;

  constructor(changed: (held: boolean) => void) {
    queueMicrotask(() => this.#withdrawn || changed(true));
  }

  take() {
    // It is held already.
  }

  withdraw() {
    this.#withdrawn = true;
  }
}

export class LockCandidate implements Candidate {
  #withdrawn = false;
  #held = false;
  #taking = false;
  /** Ends the waiting, or the holding. */
  #end: () => void = () => undefined;

  constructor(
    private readonly locks: LockManager,
    private readonly office: string,
    private readonly changed: (held: boolean) => void,
  ) {
    void this.#stand(false);
  }

  take() {
    if (this.#held || this.#taking || this.#withdrawn) return;
    this.#taking = true;
    this.#end();
    void this.#stand(true);
  }

  withdraw() {
    this.#withdrawn = true;
    this.#end();
  }

  async #stand(steal: boolean) {
    const waiting = new AbortController();
    this.#end = () => waiting.abort();
    const hold = () =>
      new Promise<void>((resolve) => {
        if (this.#withdrawn) return resolve();
        this.#end = resolve;
        this.#hold();
      });
    try {
      // Who steals does not wait, and may not say how long it would.
      await this.locks.request(this.office, steal ? { steal } : { signal: waiting.signal }, hold);
    } catch (thrown) {
      if (waiting.signal.aborted) return;
      this.#held = false;
      if (this.#withdrawn) return;
      // Where the browser gives no locks, each tab is for itself.
      if (!(thrown instanceof DOMException && thrown.name === "AbortError")) return this.#hold();
      // Taken away: back to the end of the line.
      this.changed(false);
      void this.#stand(false);
    }
  }

  #hold() {
    this.#taking = false;
    this.#held = true;
    this.changed(true);
  }
}
