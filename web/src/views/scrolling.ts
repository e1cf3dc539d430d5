/** Where one is in a scrolling column of messages, and how to stay there while it changes. */

/** Closer to the end than this, one is taken to be at the end. */
export const END_PX = 100;

export interface Anchor {
  seq: string;
  top: number;
}

/** The first message in sight and where it stands. */
export function anchorOf(scroller: HTMLElement): Anchor | null {
  const edge = scroller.getBoundingClientRect().top;
  for (const message of scroller.querySelectorAll<HTMLElement>("[data-seq]")) {
    const box = message.getBoundingClientRect();
    if (box.bottom > edge) return { seq: message.dataset["seq"] ?? "", top: box.top };
  }
  return null;
}

/** Moves the column so that the message stands again where it stood. */
export function restore(scroller: HTMLElement, anchor: Anchor) {
  const message = messageAt(scroller, anchor.seq);
  if (message) scroller.scrollTop += message.getBoundingClientRect().top - anchor.top;
}

export function messageAt(scroller: HTMLElement, seq: string | number): HTMLElement | null {
  return scroller.querySelector<HTMLElement>(`[data-seq="${seq}"]`);
}

export function distanceToEnd(scroller: HTMLElement): number {
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
}

export function toEnd(scroller: HTMLElement) {
  scroller.scrollTop = scroller.scrollHeight;
}
