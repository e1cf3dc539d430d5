import svelte from "eslint-plugin-svelte";
import { defineConfig, globalIgnores } from "eslint/config";
import ts from "typescript-eslint";
import svelteConfig from "./svelte.config.js";

/** Text enters the page as text. */
const noHtml = {
  selector: "MemberExpression[property.name=/^(innerHTML|outerHTML|insertAdjacentHTML)$/]",
  message: "Text enters the page as text, never as HTML.",
};

export default defineConfig(
  globalIgnores(["dist", "node_modules", "src/wire.ts"]),
  ts.configs.strict,
  svelte.configs.recommended,
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: {
      parserOptions: { parser: ts.parser, extraFileExtensions: [".svelte"], svelteConfig },
    },
  },
  {
    files: ["src/**"],
    rules: {
      "no-undef": "off",
      "no-restricted-syntax": ["error", noHtml],
      "svelte/no-at-html-tags": "error",
      "no-restricted-globals": ["error", { name: "fetch", message: "src/api.ts alone calls fetch." }],
      "no-restricted-imports": [
        "error",
        {
          paths: [
            { name: "socket.io-client", message: "src/socket.ts alone speaks Socket.IO." },
            { name: "idb", message: "src/kept/ alone touches IndexedDB." },
          ],
        },
      ],
    },
  },
  {
    files: ["src/state/**"],
    // Maps and sets here are books kept beside the state, or replaced as a whole; neither has to be watched inside.
    rules: { "svelte/prefer-svelte-reactivity": "off" },
  },
  // The worker gives out files; what is asked of the API is asked by the page.
  { files: ["src/api.ts", "src/worker.ts"], rules: { "no-restricted-globals": "off" } },
  { files: ["src/socket.ts", "src/kept/**"], rules: { "no-restricted-imports": "off" } },
);
