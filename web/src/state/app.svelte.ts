/** Who is at the page: nobody yet, somebody at the door, or somebody in the house. */
import * as api from "../api";
import { Refusal } from "../refusal";
import { SocketLink } from "../socket";
import type { Storage } from "../storage";
import type { User } from "../wire";
import { House } from "./house.svelte";
import { Route } from "./route.svelte";
import { Theme } from "./theme.svelte";

/** Set once somebody has been logged in on this device: then the door offers to log in, else to register. */
const KNOWN = "parlor.known";

export type Place =
  | { is: "arriving" }
  | { is: "unreachable" }
  | { is: "door" }
  | { is: "inside"; house: House; user: User; admin: boolean };

export class App {
  place = $state.raw<Place>({ is: "arriving" });
  /** The account was made just now, and is the administrator's. */
  firstAdministrator = $state(false);
  /** Why somebody who was inside stands at the door. */
  sessionEnded = $state(false);
  /** Another build of the page than the one that runs is what will be opened next. */
  newer = $state(false);
  readonly route = new Route();
  readonly theme: Theme;
  #stop: () => void = () => undefined;

  constructor(private readonly storage: Storage) {
    this.theme = new Theme(storage);
  }

  get knownHere(): boolean {
    return this.storage.get(KNOWN) !== null;
  }

  /** Finds out who we are. Without an answer it is worth trying again. */
  async arrive() {
    try {
      this.#enter(await api.me());
    } catch (thrown) {
      this.place = { is: isLoggedOut(thrown) ? "door" : "unreachable" };
    }
  }

  async register(name: string, password: string) {
    const account = await api.register(name, password);
    this.firstAdministrator = account.admin;
    this.#enter(account);
  }

  async logIn(name: string, password: string) {
    this.#enter(await api.logIn(name, password));
  }

  async logOut() {
    await api.logOut();
    this.#toDoor();
  }

  #enter(account: api.Account) {
    this.storage.set(KNOWN, "1");
    this.sessionEnded = false;
    const house = new House(
      account.user,
      (listener) => new SocketLink(listener),
      this.storage,
      () => void this.#checkSession(),
    );
    this.#stop = house.start();
    this.place = { is: "inside", house, user: account.user, admin: account.admin };
  }

  async #checkSession() {
    try {
      await api.me();
    } catch (thrown) {
      if (!isLoggedOut(thrown) || this.place.is !== "inside") return;
      this.sessionEnded = true;
      this.#toDoor();
    }
  }

  #toDoor() {
    this.#stop();
    this.firstAdministrator = false;
    this.place = { is: "door" };
  }
}

function isLoggedOut(thrown: unknown): boolean {
  return thrown instanceof Refusal && thrown.code === "not_logged_in";
}
