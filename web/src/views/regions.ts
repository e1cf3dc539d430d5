/** F6 goes from one region of the page to the next; regions are marked with `data-region`. */

const FOCUSABLE = "a[href], button:not(:disabled), input, textarea, [tabindex='0']";

export function moveToRegion(by: 1 | -1) {
  const regions = [...document.querySelectorAll<HTMLElement>("[data-region]")].filter(
    (region) => region.offsetParent !== null && target(region),
  );
  if (regions.length === 0) return;
  const current = regions.findIndex((region) => region.contains(document.activeElement));
  const next = current === -1 ? 0 : (current + by + regions.length) % regions.length;
  const region = regions[next];
  if (region) target(region)?.focus();
}

function target(region: HTMLElement): HTMLElement | null {
  const start = region.querySelector<HTMLElement>(".region-start");
  const first = [...region.querySelectorAll<HTMLElement>(FOCUSABLE)].find((control) => control.offsetParent);
  return start ?? first ?? null;
}
