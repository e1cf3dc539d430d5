/** What time it is, for texts like "3 min ago" that have to change by themselves. */
const TICK_MS = 10_000;

export class Clock {
  /** This device's time, renewed every few seconds. */
  now = $state(Date.now());
  #offset = $state(0);

  /** The server's time: activity is told in it, and a device's clock may be an hour off. */
  get server(): number {
    return this.atServer(this.now);
  }

  /** A time of this device as the server would tell it. */
  atServer(at: number): number {
    return at + this.#offset;
  }

  hear(serverNow: number) {
    this.now = Date.now();
    this.#offset = serverNow - this.now;
  }

  /** Runs until the returned function is called. */
  start(): () => void {
    const timer = setInterval(() => (this.now = Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }
}
