/** What has been typed and not sent, for each room, on this device. */
import type { Storage } from "../storage";

export class Drafts {
  constructor(
    private readonly storage: Storage,
    private readonly user: number,
  ) {}

  of(room: string): string {
    return this.storage.get(this.#key(room)) ?? "";
  }

  keep(room: string, text: string) {
    if (text === "") this.storage.remove(this.#key(room));
    else this.storage.set(this.#key(room), text);
  }

  forget() {
    this.storage.removeAll(this.#key(""));
  }

  #key(room: string): string {
    return `parlor.draft.${this.user}.${room}`;
  }
}
