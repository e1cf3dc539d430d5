import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

export default {
  preprocess: vitePreprocess(),
  compilerOptions: {
    runes: true,
    // Build elements one by one instead of through innerHTML, which the policy of trusted types forbids.
    fragments: "tree",
  },
};
