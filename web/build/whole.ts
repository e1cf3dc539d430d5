/**
 * Makes each build one whole that cannot be mixed with another: whatever the page loads has its hash in its name, the index
 * says which build it belongs to, and the service worker has the list of the files with their digests.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Plugin } from "vite";

const INDEX = "index.html";
const WORKER = "worker.js";
/** It runs before the first paint, and Vite bundles no such script: it gets its hash here. */
const THEME = "/src/theme.js";

export function whole(): Plugin {
  let theme: string;
  return {
    name: "whole",
    apply: "build",
    enforce: "post",
    buildStart() {
      this.emitFile({ type: "chunk", id: "src/worker.ts", fileName: WORKER });
      theme = this.emitFile({ type: "asset", name: "theme.js", source: readFileSync(`.${THEME}`) });
    },
    generateBundle: {
      // After everybody else: what is digested here must not change any more.
      order: "post",
      handler(_, bundle) {
        const index = bundle[INDEX];
        const worker = bundle[WORKER];
        if (index?.type !== "asset" || worker?.type !== "chunk")
          return this.error(`no ${INDEX} or no ${WORKER}`);

        const html = filledIn(String(index.source), THEME, `/${this.getFileName(theme)}`);
        // The index names all other files, or files that do.
        const build = sha256(html).slice(0, 16);
        index.source = filledIn(html, "__BUILD__", build);

        const files = Object.values(bundle)
          .filter((file) => file !== worker)
          .map((file) => [file.fileName, `sha256-${sha256(file.type === "chunk" ? file.code : file.source)}`])
          .map(([name, digest]) => [name === INDEX ? "/" : `/${name}`, digest])
          .sort();
        const listed = filledIn(worker.code, "__FILES__", JSON.stringify(files));
        worker.code = filledIn(listed, "__BUILD__", JSON.stringify(build));
      },
    },
  };
}

/** A text with a value wherever the name stands for it. */
function filledIn(text: string, name: string, value: string): string {
  if (!text.includes(name)) throw new Error(`${name} stands nowhere`);
  return text.replaceAll(name, () => value);
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("base64");
}
