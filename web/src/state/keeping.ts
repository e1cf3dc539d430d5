/**
 * Sees to it that what one has before oneself is there again when one comes back without a network: the list of rooms,
 * and the end of the log of each room that was opened.
 */
import { LONGEST_RUN, type Kept } from "../kept/kept";
import type { Room } from "./room.svelte";
import type { Rooms } from "./rooms.svelte";

/** A busy room changes many times a second. What the last of it changed may be lost: the server has it. */
const KEEP_MS = 1_000;

export class Keeping {
  #list = false;
  #changed = new Set<Room>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly user: number,
    private readonly kept: Kept,
    private readonly rooms: Rooms,
  ) {}

  /** Finds the list of rooms as it was. */
  async recallList() {
    const list = await this.kept.rooms(this.user);
    if (list && !this.rooms.loaded) this.rooms.replace(list.rooms, list.total);
  }

  /** Finds a room as it was, unless something of it has been received already. */
  async recall(room: Room) {
    const run = await this.kept.run(this.user, room.id);
    if (run) room.recall(run);
  }

  listChanged() {
    this.#list = true;
    this.#soon();
  }

  changed(room: Room) {
    this.#changed.add(room);
    this.#soon();
  }

  /** What was kept of the room is not its log any more. */
  outdated(room: Room) {
    this.#changed.delete(room);
    void this.kept.dropRun(this.user, room.id);
  }

  /** Writes what has changed, as when the page may be closed at any moment. */
  now() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#list) void this.kept.keepRooms(this.user, this.rooms.recent());
    for (const room of this.#changed) {
      const run = room.run(LONGEST_RUN);
      if (run) void this.kept.keepRun(this.user, run);
    }
    this.#list = false;
    this.#changed.clear();
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #soon() {
    this.#timer ??= setTimeout(() => this.now(), KEEP_MS);
  }
}
