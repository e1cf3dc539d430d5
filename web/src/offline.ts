/** The page's side of the service worker, which lets it open without a network. Where there are no workers, nothing happens. */

const WORKER = "/worker.js";

/** Has the browser keep the page. `newer` is called when it keeps another build than the one that runs. */
export async function keepPage(newer: () => void) {
  // Browsers offer workers to pages that came by https or from the same machine.
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  const running = document.querySelector<HTMLMetaElement>("meta[name=build]")?.content;
  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (data !== running) newer();
  });
  await attempt(() => navigator.serviceWorker.register(trusted(WORKER)));
}

/** Asks the server whether it has a newer page by now. */
export async function lookForNewer() {
  if (!("serviceWorker" in navigator)) return;
  await attempt(async () => (await navigator.serviceWorker.getRegistration())?.update());
}

/** The content security policy has scripts loaded from addresses that were vouched for. */
function trusted(url: string): string {
  const policy = window.trustedTypes?.createPolicy("parlor", { createScriptURL: (url) => url });
  return (policy?.createScriptURL(url) ?? url) as string;
}

/** A page that cannot be kept, because storage is full or forbidden or the server is away, is a page all the same. */
async function attempt(step: () => Promise<unknown>) {
  await step().catch(() => undefined);
}
