/** Light, dark, or what the system says. src/theme.js reads the same choice before the first paint. */
import type { Storage } from "../storage";

const KEY = "parlor.theme";

export type Choice = "system" | "light" | "dark";

export class Theme {
  #choice = $state<Choice>("system");
  systemIsDark = $state(false);
  readonly shown: "light" | "dark" = $derived.by(() => {
    if (this.#choice !== "system") return this.#choice;
    return this.systemIsDark ? "dark" : "light";
  });

  constructor(private readonly storage: Storage) {
    const stored = storage.get(KEY);
    if (stored === "light" || stored === "dark") this.#choice = stored;
  }

  get choice(): Choice {
    return this.#choice;
  }

  set choice(choice: Choice) {
    this.#choice = choice;
    if (choice === "system") this.storage.remove(KEY);
    else this.storage.set(KEY, choice);
  }
}
