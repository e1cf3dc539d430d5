/**
 * The service worker: it keeps the files of one build, whole, and gives them out when the server does not.
 * What people say is none of its business: the API and the live connection pass it by.
 */
/// <reference lib="webworker" />

/** What is built in: which build this is, and its files, `/` for the index, each with its digest. */
declare const __BUILD__: string;
declare const __FILES__: [path: string, integrity: string][];

const PREFIX = "parlor-page-";
const CACHE = PREFIX + __BUILD__;
/** The server is asked first, so that who opens the page has its newest. A network that takes longer than this is none. */
const PATIENCE_MS = 500;

const worker = self as unknown as ServiceWorkerGlobalScope;

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (pathname.startsWith("/assets/")) event.respondWith(file(request));
  else if (pathname === "/" && request.mode === "navigate") event.respondWith(index(request));
});

/** All of the build or nothing: a server that has moved on to another one does not give these digests. */
async function install() {
  // What a rolled back build had left behind; this one is now the newest, and caches are listed by their age.
  await caches.delete(CACHE);
  const cache = await caches.open(CACHE);
  await cache.addAll(__FILES__.map(([path, integrity]) => new Request(path, { integrity })));
  // Pages of the build before need not be waited for: they find their files below.
  await worker.skipWaiting();
}

/** Keeps the build before this one for the pages that still show it. What is older goes. */
async function activate() {
  const ours = (await caches.keys()).filter((name) => name.startsWith(PREFIX));
  await Promise.all(ours.slice(0, -2).map((name) => caches.delete(name)));
  await worker.clients.claim();
  for (const page of await worker.clients.matchAll({ type: "window" })) page.postMessage(__BUILD__);
}

/** A name with a hash means the same in every build. */
async function file(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request);
}

/** The index decides which build a page is. A proxy that stands before a dead server is no answer either. */
async function index(request: Request): Promise<Response> {
  const asked = fetch(request);
  const answered = asked.then((response) => (response.status < 500 ? response : null)).catch(() => null);
  const tired = new Promise<null>((resolve) => setTimeout(() => resolve(null), PATIENCE_MS));
  const response = await Promise.race([answered, tired]);
  return response ?? (await (await caches.open(CACHE)).match("/")) ?? asked;
}
