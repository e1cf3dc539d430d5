import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import { whole } from "./build/whole.ts";

/** Where `npm run dev` finds a running Parlor. */
const server = process.env.PARLOR_URL ?? "http://127.0.0.1:7420";

export default defineConfig({
  plugins: [svelte(), whole()],
  build: {
    target: "es2022",
    // The polyfill is for browsers older than the target.
    modulePreload: { polyfill: false },
    // The content security policy allows fonts and scripts from our own origin only, never from data: URLs.
    assetsInlineLimit: 0,
  },
  css: {
    preprocessorOptions: {
      scss: {
        // Bootstrap 5.3 is still written with what newer Sass wants to retire; its own code is not ours to fix.
        quietDeps: true,
        silenceDeprecations: ["import", "global-builtin", "color-functions", "if-function"],
      },
    },
  },
  server: {
    proxy: {
      "/api": server,
      "/socket.io": { target: server, ws: true },
    },
  },
  // Svelte has a build for servers too, which the tests, run by Node, would take.
  resolve: process.env.VITEST ? { conditions: ["browser"] } : {},
  test: {
    include: ["src/**/*.test.ts", "tests/**/*.test.ts"],
  },
});
