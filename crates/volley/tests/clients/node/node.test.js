// The scenarios with socket.io-client in Node.

import { describe, it } from "node:test";
import { io } from "socket.io-client";
import { run, scenarios, travels } from "./scenarios.js";

const url = process.env.VOLLEY_URL;

for (const [way, travel] of Object.entries(travels)) {
  describe(`socket.io-client in Node, ${way}`, { concurrency: true }, () => {
    for (const [name, scenario] of Object.entries(scenarios)) {
      it(name, () => run(io, url, travel, scenario));
    }
  });
}
