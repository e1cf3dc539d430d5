/** How far each room has been read on this device. */
import type { Storage } from "../storage";
import type { Room } from "../wire";

interface Mark {
  epoch: number;
  seq: number;
}

export class Reads {
  #marks = $state<Record<string, Mark>>({});
  readonly #key: string;

  constructor(
    private readonly storage: Storage,
    user: number,
  ) {
    this.#key = `parlor.read.${user}`;
    this.reload();
  }

  /** Another tab may have read on. */
  reload() {
    this.#marks = parse(this.storage.get(this.#key));
  }

  /** The last message read; null in a room that was never opened here, or is no longer what it was. */
  upTo(room: string, epoch: number): number | null {
    const mark = this.#marks[room];
    return mark?.epoch === epoch ? mark.seq : null;
  }

  /** How many messages wait. A room that was never opened on this device has nothing to catch up with. */
  unread(room: Room): number {
    const seq = this.upTo(room.id, room.epoch);
    return seq === null ? 0 : Math.max(0, room.head - seq);
  }

  mark(room: string, epoch: number, seq: number) {
    const before = this.upTo(room, epoch);
    if (before !== null && before >= seq) return;
    this.#marks[room] = { epoch, seq };
    this.storage.set(this.#key, JSON.stringify(this.#marks));
  }

  forget() {
    this.storage.remove(this.#key);
  }
}

function parse(stored: string | null): Record<string, Mark> {
  let value: unknown;
  try {
    value = JSON.parse(stored ?? "{}");
  } catch {
    return {};
  }
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, Mark] => isMark(entry[1])),
  );
}

function isMark(value: unknown): value is Mark {
  if (typeof value !== "object" || value === null) return false;
  const { epoch, seq } = value as Partial<Mark>;
  return Number.isSafeInteger(epoch) && Number.isSafeInteger(seq);
}
