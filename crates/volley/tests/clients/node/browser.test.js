// The scenarios with socket.io-client in Chromium, on a page that the server under test serves.

import { after, before, describe, it } from "node:test";
import { chromium } from "playwright-core";
import { scenarios, travels } from "./scenarios.js";

const url = process.env.VOLLEY_URL;

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

describe("socket.io-client in Chromium", { concurrency: true }, () => {
  let browser;
  before(async () => {
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: QUIET,
    });
  });
  after(() => browser?.close());

  for (const [way, travel] of Object.entries(travels)) {
    // One scenario at a time: a browser opens six connections to a host, and polling holds them.
    describe(way, { concurrency: false }, () => {
      let page;
      before(async () => {
        page = await (await browser.newContext()).newPage();
        await page.goto(url);
        await page.waitForFunction(() => window.runScenario);
      });

      for (const name of Object.keys(scenarios)) {
        it(name, () => page.evaluate(([way, name]) => window.runScenario(way, name), [way, name]));
      }
    });
  }
});
