/// <reference types="vite/client" />
/// <reference types="svelte" />

/** What browsers with trusted types have; TypeScript does not know it yet. */
interface Window {
  trustedTypes?: {
    createPolicy(
      name: string,
      rules: { createScriptURL(url: string): string },
    ): { createScriptURL(url: string): unknown };
  };
}
