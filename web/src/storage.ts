/** What this device remembers. Every read may find nothing and every write may fail: storage can be full or forbidden. */

export interface Storage {
  get(key: string): string | null;
  set(key: string, value: string): void;
  remove(key: string): void;
  /** Everything whose key begins like this. */
  removeAll(prefix: string): void;
}

export const deviceStorage: Storage = {
  get: (key) => attempt(() => localStorage.getItem(key)) ?? null,
  set: (key, value) => attempt(() => localStorage.setItem(key, value)),
  remove: (key) => attempt(() => localStorage.removeItem(key)),
  removeAll: (prefix) =>
    attempt(() => {
      const keys = Object.keys(localStorage).filter((key) => key.startsWith(prefix));
      for (const key of keys) localStorage.removeItem(key);
    }),
};

function attempt<T>(access: () => T): T | undefined {
  try {
    return access();
  } catch {
    return undefined;
  }
}
