/** Puts together what arrives in quick succession, so that the page changes once for all of it. */

/** Too short to be noticed, and long enough that a busy room leaves the page time for other things. */
const TOGETHER_MS = 50;
/** No more than this waits: the timers of a page that nobody looks at come late. */
const MOST = 2_000;

export class Arrivals<T> {
  #waiting: T[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly take: (arrived: T[]) => void) {}

  /** What comes alone does not wait. */
  add(one: T) {
    this.#waiting.push(one);
    if (this.#timer === undefined || this.#waiting.length >= MOST) this.now();
  }

  /** Takes what waits, because something depends on it. */
  now() {
    if (this.#waiting.length === 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.now();
    }, TOGETHER_MS);
    this.take(this.#waiting.splice(0));
  }
}
