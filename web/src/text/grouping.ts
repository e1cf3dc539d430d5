/** The rows in which a room's messages are shown. */
import { dayNumber } from "./time";

/** Within this time, messages of one author share one name. */
const GROUP_MS = 5 * 60_000;

/** What grouping has to know of a message. One that is still being sent has no `seq` yet. */
export interface Groupable {
  seq: number | null;
  client_id: string;
  author: { id: number };
  at: number;
}

export type Row<M> =
  | { kind: "day"; key: string; at: number }
  | { kind: "unread"; key: string }
  /** Newer messages, which are not loaded, stand here. */
  | { kind: "between"; key: string }
  /** `first`: the author's name stands above it. */
  | { kind: "message"; key: string; message: M; first: boolean };

/**
 * The rows of messages in the order of the room. The unread line stands before the message with the
 * seq `unreadFrom`; if that one is further up than what is loaded, so is the line.
 */
export function groupMessages<M extends Groupable>(
  messages: readonly M[],
  unreadFrom: number | null = null,
): Row<M>[] {
  const rows: Row<M>[] = [];
  let previous: M | undefined;
  for (const message of messages) {
    const newDay = !previous || dayNumber(message.at) !== dayNumber(previous.at);
    const unread = unreadFrom !== null && message.seq === unreadFrom;
    if (newDay) rows.push({ kind: "day", key: `day before ${keyOf(message)}`, at: message.at });
    if (unread) rows.push({ kind: "unread", key: "unread" });
    const first = newDay || unread || !previous || !continues(previous, message);
    rows.push({ kind: "message", key: keyOf(message), message, first });
    previous = message;
  }
  return rows;
}

/** The same where the log goes on beyond what is loaded, which those that have no seq yet will stand behind. */
export function groupAroundGap<M extends Groupable>(
  messages: readonly M[],
  unreadFrom: number | null = null,
): Row<M>[] {
  const log = groupMessages(
    messages.filter(({ seq }) => seq !== null),
    unreadFrom,
  );
  const unsent = groupMessages(messages.filter(({ seq }) => seq === null));
  return unsent.length === 0 ? log : [...log, { kind: "between", key: "between" }, ...unsent];
}

function continues(previous: Groupable, message: Groupable): boolean {
  return previous.author.id === message.author.id && message.at - previous.at < GROUP_MS;
}

/** The same before and after the message got its `seq`, so that its row stays where it is in the page. */
function keyOf(message: Groupable): string {
  return `${message.author.id} ${message.client_id}`;
}
