export const timeOfDay = (at: number) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
export const dayLabel = (at: number, now: number) =>
  new Date(at).toDateString() === new Date(now).toDateString() ? "Today" : new Date(at).toDateString();
export const fullDate = (at: number) => new Date(at).toLocaleString();
export const ago = (at: number, now: number) => `${Math.max(0, Math.round((now - at) / 60_000))} min ago`;
