// One Chromium for all tests of a file; each person has a profile of their own in it.

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

let launched = null;

export function browser() {
  launched ??= chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: QUIET,
  });
  return launched;
}

after(async () => (await launched)?.close());
