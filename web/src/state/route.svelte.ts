/** The page's address: which room, and which message in it. */
export class Route {
  room = $state<string | null>(null);
  /** The message a permalink points to. */
  seq = $state<number | null>(null);

  constructor() {
    this.read();
  }

  read() {
    ({ room: this.room, seq: this.seq } = place(location.search));
  }

  /** Goes where a link of this page leads. */
  follow(href: string) {
    const { room, seq } = place(new URL(href).search);
    this.go(room, seq);
  }

  go(room: string | null, seq: number | null = null) {
    if (room === this.room && seq === this.seq) return;
    history.pushState(null, "", address(room, seq));
    this.room = room;
    this.seq = seq;
  }
}

function place(query: string): { room: string | null; seq: number | null } {
  const values = new URLSearchParams(query);
  const seq = Number(values.get("seq"));
  return { room: values.get("room"), seq: Number.isSafeInteger(seq) && seq > 0 ? seq : null };
}

/** Where a room, or a message in it, is found on this server. */
export function address(room: string | null, seq: number | null = null): string {
  if (room === null) return "/";
  return `/?room=${encodeURIComponent(room)}${seq === null ? "" : `&seq=${seq}`}`;
}

/** The same with the server's name, to be given to others. */
export function invitation(room: string): string {
  return location.origin + address(room);
}
