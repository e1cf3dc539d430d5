/** The list of all rooms: those last active live, others by searching. */
import * as api from "../api";
import { sentence } from "../refusal";
import type { Room } from "../wire";

/** How many rooms are kept on the device: as many as the server lists. */
const MOST_KEPT = 200;

export class Rooms {
  /** By id: everything heard of so far. The server sends at most its 200 most recent at once, then what changes. */
  #known = $state.raw(new Map<string, Room>());
  /** How many there are on the server. */
  total = $state(0);
  /** Whether the list has arrived. */
  loaded = $state(false);
  search = $state("");
  trouble = $state<string | null>(null);
  #found = $state.raw<string[] | null>(null);

  readonly all = $derived([...this.#known.values()].sort(newestFirst));
  /** What the list shows: all, or what the search found. */
  readonly listed = $derived.by(() => {
    const found = this.#found;
    if (found === null) return this.all;
    return found.flatMap((id) => this.#known.get(id) ?? []);
  });

  get(id: string): Room | undefined {
    return this.#known.get(id);
  }

  /** The list as the server gave it, in place of what was known. */
  replace(rooms: Room[], total: number) {
    this.#known = new Map(rooms.map((room) => [room.id, room]));
    this.total = total;
    this.loaded = true;
  }

  /** Those last active, to be kept for a start without a network. */
  recent(): { rooms: Room[]; total: number } {
    return { rooms: this.all.slice(0, MOST_KEPT), total: this.total };
  }

  apply(event: { rooms: Room[] }) {
    const known = new Map(this.#known);
    for (const room of event.rooms) {
      if (!known.has(room.id) && this.loaded && room.created_at > this.#newest()) this.total += 1;
      known.set(room.id, room);
    }
    this.#known = known;
  }

  /** Asks the server, which knows rooms that are not in the list. The last question asked wins. */
  async find(text: string) {
    this.search = text;
    this.trouble = null;
    if (text.trim() === "") {
      this.#found = null;
      return;
    }
    try {
      const page = await api.rooms(text.trim());
      if (this.search !== text) return;
      this.apply({ rooms: page.rooms });
      this.#found = page.rooms.map((room) => room.id);
    } catch (thrown) {
      if (this.search === text) this.trouble = sentence(thrown);
    }
  }

  #newest(): number {
    return this.all.reduce((newest, room) => Math.max(newest, room.created_at), 0);
  }
}

function newestFirst(one: Room, other: Room): number {
  return (other.last_message_at ?? other.created_at) - (one.last_message_at ?? one.created_at);
}
