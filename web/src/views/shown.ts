/** A message as it is shown: one of the room's log, or one of mine that is on its way there. */
import type { Clock } from "../state/clock.svelte";
import type { Pending } from "../state/outbox.svelte";
import type { Message, User } from "../wire";

export interface Shown {
  room: string;
  /** null: not in the log yet. */
  seq: number | null;
  client_id: string;
  author: User;
  body: string;
  at: number;
  pending: Pending | null;
}

export function shown(log: Message[], pending: Pending[], me: User, clock: Clock): Shown[] {
  const last = log.at(-1)?.at ?? 0;
  // The log may have a message before the answer to it has come, if the page was closed in between.
  const said = new Set(log.filter(({ author }) => author.id === me.id).map(({ client_id }) => client_id));
  const unsaid = pending.filter(({ client_id }) => !said.has(client_id));
  return [
    ...log.map((message) => ({ ...message, pending: null })),
    ...unsaid.map((message) => ({
      room: message.room,
      seq: null,
      client_id: message.client_id,
      author: me,
      body: message.body,
      // It will stand below what is there, so it cannot be older.
      at: Math.max(last, clock.atServer(message.at)),
      pending: message,
    })),
  ];
}
