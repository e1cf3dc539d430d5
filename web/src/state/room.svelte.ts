/** One room as it is on the screen: its log, its people, and what is being loaded of them. */
import * as api from "../api";
import type { Run } from "../kept/kept";
import { Refusal, sentence } from "../refusal";
import type { ServerEvent } from "../socket";
import type { Message } from "../wire";
import { Participants } from "./participants.svelte";
import type { Reads } from "./reads.svelte";
import { Timeline } from "./timeline.svelte";

/** How many messages are asked for at a time. */
const PAGE = 50;

export type RoomStatus = "entering" | "entered" | "unknown" | "trouble";

export class Room {
  readonly timeline = new Timeline();
  readonly participants = new Participants();
  name = $state("");
  status = $state<RoomStatus>("entering");
  /** What kept us from entering. */
  trouble = $state<string | null>(null);
  loading = $state<"older" | "newer" | "page" | null>(null);
  /** What could not be loaded, until that is tried again. */
  failed = $state.raw<{ what: "older" | "newer" | "page"; why: string } | null>(null);
  /** The first message that was unread when the room was opened. The line above it stays until the room is left. */
  unreadFrom = $state<number | null>(null);
  /** The message that a permalink asked for. */
  target = $state<number | null>(null);
  /** While it is being looked for on the device. */
  recalling: Promise<void> | null = null;
  #asked = false;
  /** Whether it will be known what is new to the reader as soon as we have entered. Until then they have read nothing of it. */
  #lineDue = false;
  /** Whether somebody wanted to see the live end, and it could not be loaded. */
  #endDue = false;
  /** Whether another part of the log was wanted while something was being loaded. */
  #pageDue = false;

  constructor(
    readonly id: string,
    private readonly reads: Reads,
    /** Asks for the log from the cursor on, because something of it did not arrive. */
    private readonly resume: () => void,
  ) {}

  /** From where the live log has to go on. */
  cursor(): { after?: number; epoch?: number } {
    const { cursor, epoch } = this.timeline;
    return cursor === null || epoch === null ? {} : { after: cursor, epoch };
  }

  /** The end of the log as it was kept. What is not dense is not the end of a log. */
  recall({ name, epoch, cursor, messages }: Run) {
    const dense = messages.every(({ seq }, index) => seq === cursor - messages.length + 1 + index);
    if (!dense || this.timeline.cursor !== null) return;
    this.name ||= name;
    this.timeline.show({ epoch, head: cursor, messages });
    this.timeline.following = true;
  }

  /** The end of the log to be kept; null if what is shown is not the end, or is not known to be. */
  run(longest: number): Run | null {
    const { messages, epoch, cursor, last } = this.timeline;
    if (epoch === null || cursor === null || last !== cursor) return null;
    return {
      room: this.id,
      name: this.name,
      epoch,
      cursor,
      messages: messages.slice(-longest),
      at: Date.now(),
    };
  }

  apply(event: Extract<ServerEvent, { name: "participants" | "resync" }>) {
    switch (event.name) {
      case "participants":
        this.participants.apply(event.data);
        return;
      case "resync":
        this.timeline.reset(event.data.epoch);
        this.unreadFrom = null;
        return;
    }
  }

  /** Messages of the live log. */
  hear(arrived: Message[]) {
    // One question is enough: while its answer is on the way, everything else is beyond the gap too.
    if (this.timeline.apply(arrived) && !this.#asked) {
      this.#asked = true;
      this.resume();
    }
  }

  /** The server let us in and has sent everything up to `head`. */
  entered(answer: { name: string; epoch: number; head: number }) {
    this.#asked = false;
    this.name = answer.name;
    this.status = "entered";
    this.trouble = null;
    this.timeline.entered(answer.epoch, answer.head);
    if (this.#lineDue) this.drawLine();
    this.#lineDue = false;
    if (this.#endDue) void this.showNewest();
  }

  refused(thrown: unknown) {
    this.#asked = false;
    const unknown = thrown instanceof Refusal && ["room_not_found", "bad_request"].includes(thrown.code);
    this.status = unknown ? "unknown" : "trouble";
    this.trouble = sentence(thrown);
  }

  /** Somebody begins to look at it. What is new to them is known once we have entered. */
  opened() {
    this.#lineDue = true;
    this.#endDue = false;
    this.failed = null;
    this.timeline.shorten();
    this.unreadFrom = null;
    this.status = "entering";
  }

  /** The connection is there again, and brings what was missed. */
  resumed() {
    this.#lineDue = true;
    const { failed, target } = this;
    this.failed = null;
    if (failed?.what === "page" && target !== null) void this.showAround(target);
  }

  /** Draws the line between what was read and what is new, if anything is. */
  drawLine() {
    const { epoch, cursor } = this.timeline;
    const read = epoch === null ? null : this.reads.upTo(this.id, epoch);
    if (read !== null && cursor !== null && read < cursor) this.unreadFrom = read + 1;
  }

  /** The reader has seen the live end. */
  readToEnd() {
    if (this.status !== "entered" || this.#lineDue) return;
    const { epoch, cursor, hasNewer } = this.timeline;
    if (epoch !== null && cursor !== null && !hasNewer) this.reads.mark(this.id, epoch, cursor);
  }

  async loadOlder() {
    const { first } = this.timeline;
    if (!this.timeline.hasOlder || first === null) return;
    await this.#load("older", { before: first }, (page) => this.timeline.prepend(page.messages));
  }

  async loadNewer() {
    const { last } = this.timeline;
    if (!this.timeline.hasNewer || last === null) return;
    await this.#load("newer", { after: last }, (page) => this.timeline.append(page.messages));
  }

  /** Shows the log around a message, or where that message would be. */
  async showAround(seq: number) {
    this.target = seq;
    this.#endDue = false;
    if (this.timeline.holds(seq)) return;
    await this.#load("page", { after: Math.max(0, seq - PAGE / 2 - 1) }, (page) => {
      if (page.messages.length > 0) this.timeline.show(page);
    });
  }

  /** Back to the live end. */
  async showNewest() {
    this.target = null;
    const { cursor } = this.timeline;
    this.#endDue = this.timeline.hasNewer && cursor !== null;
    if (!this.#endDue || cursor === null) return;
    await this.#load("page", { before: cursor + 1 }, (page) => {
      this.#endDue = false;
      this.timeline.show(page);
      this.timeline.following = true;
    });
  }

  /** To the message or the live end that was wanted and could not be shown. */
  async showWanted() {
    await (this.target === null ? this.showNewest() : this.showAround(this.target));
  }

  /** One at a time: what is loaded depends on where the window ends. */
  async #load(what: "older" | "newer" | "page", from: api.From, take: (page: api.MessagePage) => void) {
    if (this.loading !== null) {
      this.#pageDue ||= what === "page";
      return;
    }
    const { target } = this;
    this.loading = what;
    this.failed = null;
    try {
      const page = await api.messages(this.id, { ...from, limit: PAGE });
      const { epoch } = this.timeline;
      // After the server's data were put back it is another log, and we are about to be told so.
      const isOurs = epoch === null || epoch === page.epoch;
      const isWanted = what !== "page" || this.target === target;
      if (isOurs && isWanted) take(page);
    } catch (thrown) {
      this.failed = { what, why: sentence(thrown) };
    } finally {
      this.loading = null;
    }
    if (!this.#pageDue) return;
    this.#pageDue = false;
    await this.showWanted();
  }
}
