/**
 * Who counts as here. The server tells when each person was last active and who is connected; this
 * rule of the page makes three groups of it. `now` is the server's time.
 */

/** Three heartbeats: two may be lost before somebody is thought to be away. */
export const HERE_MS = 90_000;
export const RECENTLY_MS = 3_600_000;

/** What the rule has to know of a participant. */
export interface Present {
  id: number;
  name: string;
  last_active_at: number;
  connected: boolean;
}

export interface PresenceGroups<P> {
  /** Connected and active within `HERE_MS`, by name, so that nobody moves with each heartbeat. */
  here: P[];
  /** Connected but quiet, or active within `RECENTLY_MS`; the latest first. */
  recently: P[];
  /** Everybody else; the latest first. */
  earlier: P[];
}

const names = new Intl.Collator(undefined, { numeric: true });

export function presenceGroups<P extends Present>(people: readonly P[], now: number): PresenceGroups<P> {
  const groups: PresenceGroups<P> = { here: [], recently: [], earlier: [] };
  for (const person of people) groups[groupOf(person, now)].push(person);
  groups.here.sort(byName);
  groups.recently.sort(byActivity);
  groups.earlier.sort(byActivity);
  return groups;
}

function groupOf({ connected, last_active_at }: Present, now: number): keyof PresenceGroups<unknown> {
  const quiet = now - last_active_at;
  if (connected && quiet < HERE_MS) return "here";
  return connected || quiet < RECENTLY_MS ? "recently" : "earlier";
}

function byName(a: Present, b: Present): number {
  return names.compare(a.name, b.name) || a.id - b.id;
}

function byActivity(a: Present, b: Present): number {
  return b.last_active_at - a.last_active_at || byName(a, b);
}
