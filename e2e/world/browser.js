// One Chromium for all tests of a file, in which each person has a profile of their own; and one for who needs it alone.

import { after } from "node:test";
import { chromium } from "playwright-core";

// Nothing but the page may use the network.
const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const SETTINGS = { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: QUIET };

let launched = null;

export function browser() {
  launched ??= chromium.launch(SETTINGS);
  return launched;
}

/** A Chromium with a profile that outlives it. */
export function browserWith(profile, settings) {
  return chromium.launchPersistentContext(profile, { ...SETTINGS, ...settings });
}

after(async () => (await launched)?.close());
