import type { Message } from "../wire";
export interface Group { key: string; author: Message["author"]; messages: Message[] }
export type Row = { kind: "day"; key: string; at: number } | ({ kind: "group" } & Group);
export function groupMessages(messages: Message[], breakBefore: number | null = null): Row[] {
  const rows: Row[] = [];
  let previous: Message | undefined;
  for (const message of messages) {
    const newDay = !previous || new Date(previous.at).toDateString() !== new Date(message.at).toDateString();
    if (newDay) rows.push({ kind: "day", key: `day-${message.seq}`, at: message.at });
    const last = rows.at(-1);
    if (last?.kind === "group" && last.author.id === message.author.id && previous && message.at - previous.at < 300_000 && message.seq !== breakBefore)
      last.messages.push(message);
    else rows.push({ kind: "group", key: `group-${message.seq}`, author: message.author, messages: [message] });
    previous = message;
  }
  return rows;
}
