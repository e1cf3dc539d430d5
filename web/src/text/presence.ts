import type { Participant } from "../wire";
export const HERE_MS = 90_000;
export function presenceGroups(people: Participant[], now: number) {
  const here = people.filter((p) => p.connected && now - p.last_active_at < HERE_MS);
  const recently = people.filter((p) => !here.includes(p) && (p.connected || now - p.last_active_at < 3_600_000));
  return { here, recently, earlier: people.filter((p) => !here.includes(p) && !recently.includes(p)) };
}
