/** Who is in a room and when each was last active there, as the server tells it. What counts as "here" is src/text/presence.ts. */
import type { Participant, ServerEvents } from "../wire";

export class Participants {
  people = $state.raw<Participant[]>([]);
  /** Counts of everybody, also of those whom a very large room does not list. */
  total = $state(0);
  connected = $state(0);
  /** When it was so, by the server's clock. */
  at = $state(0);
  /** Whether the list has arrived. */
  known = $state(false);

  apply(event: ServerEvents["participants"]) {
    const changed = new Map(event.users.map((person) => [person.id, person]));
    const kept = event.full ? [] : this.people.filter((person) => !changed.has(person.id));
    this.people = [...kept, ...event.users];
    this.total = event.total;
    this.connected = event.connected;
    this.at = event.at;
    this.known = true;
  }
}
