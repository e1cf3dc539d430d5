// The few words the scenarios are written with. They run in Node and in a browser alike.

/** How long anything may take that should happen at once; only a failing test waits for it. */
export const PATIENCE_MS = 15_000;

/** Fails unless both are the same value; bytes are equal whatever they are held in. */
export function same(actual, expected) {
  const [got, wanted] = [describe(actual), describe(expected)];
  if (got !== wanted) {
    throw new Error(`got ${shorten(got)}, wanted ${shorten(wanted)}`);
  }
}

/** The arguments of the next `event`, for a socket, a manager or an engine. */
export function next(emitter, event) {
  return within(PATIENCE_MS, `no '${event}' came`, (resolve) => {
    emitter.once(event, (...args) => resolve(args));
  });
}

/** The next `count` first arguments of `event`, in the order in which they came. */
export function collect(emitter, event, count) {
  const values = [];
  return within(PATIENCE_MS, `too few '${event}' came`, (resolve) => {
    emitter.on(event, function gather(value) {
      values.push(value);
      if (values.length === count) {
        emitter.off(event, gather);
        resolve(values);
      }
    });
  });
}

export const bytes = (...values) => Uint8Array.from(values);

export const upTo = (count) => Array.from({ length: count }, (_, index) => index);

function within(milliseconds, complaint, start) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(complaint)), milliseconds);
    start((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}

// A Buffer has a `toJSON` that runs before any replacer sees it, so bytes are found beforehand.
const describe = (value) => JSON.stringify(withoutBytes(value)) ?? "undefined";

function withoutBytes(value) {
  if (value instanceof ArrayBuffer) {
    return { bytes: Array.from(new Uint8Array(value)) };
  }
  if (ArrayBuffer.isView(value)) {
    return { bytes: Array.from(value) };
  }
  if (Array.isArray(value)) {
    return value.map(withoutBytes);
  }
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, withoutBytes(inner)]),
    );
  }
  return value;
}

const shorten = (text) => (text.length > 300 ? `${text.slice(0, 300)}…` : text);
