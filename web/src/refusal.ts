import type { ApiError } from "./wire";

/** What the server says when it does not do what it was asked, by whichever door. */
export class Refusal extends Error {
  readonly code: string;
  /** The input this concerns, where there is one. */
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(error: ApiError) {
    super(error.message);
    this.name = "Refusal";
    this.code = error.code;
    this.field = error.field;
    this.retryAfterMs = error.retry_after_ms;
  }
}

/** The server did not answer. Whether it did what it was asked is unknown. */
export class NoAnswer extends Error {
  constructor() {
    super("Parlor does not answer. Check the connection and try again.");
    this.name = "NoAnswer";
  }
}

/** A sentence for people, whatever was thrown. */
export function sentence(thrown: unknown): string {
  return thrown instanceof Refusal || thrown instanceof NoAnswer
    ? thrown.message
    : "Something went wrong on this page. Reload it and try again.";
}
