// Somebody at the page. What they do is told in their words, and what they see is waited for.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import axe from "axe-core";
import { browser, browserWith } from "./browser.js";
import { PASSWORD } from "./program.js";

/** How long anything may take that should happen at once; only a failing test waits for it. */
const PATIENCE_MS = 60_000;

export class Person {
  /** What should never happen: dialogs, errors of the page, violations of its security policy. */
  #untoward = [];
  /** Everything that came over their sockets. */
  heard = [];
  #parlor;
  #context;
  #settings;
  /** The folder of their browser, if they have one that nobody else uses. */
  #profile = null;
  name;
  page;

  /** Opens the page as somebody with a browser profile of their own, which is closed with the test `t`. */
  static async arrive(t, parlor, name, { path = "/", now, sabotage, ...settings } = {}) {
    const person = new Person();
    person.name = name;
    person.#parlor = parlor;
    person.#settings = { locale: "en-GB", ...settings };
    person.#context = await (await browser()).newContext(person.#settings);
    t.after(() => person.#leave());
    if (now) await person.#context.clock.setFixedTime(now);
    if (sabotage) await person.#context.addInitScript(sabotage);
    await person.#watch();
    await person.openTab(path);
    return person;
  }

  /** The same, and through the door. */
  static async registered(t, parlor, name, settings) {
    const person = await Person.arrive(t, parlor, name, settings);
    await person.register();
    return person;
  }

  /** The same with a browser of their own, which can crash. */
  static async alone(t, parlor, name) {
    const person = new Person();
    person.name = name;
    person.#parlor = parlor;
    person.#settings = { locale: "en-GB" };
    person.#profile = await mkdtemp(join(tmpdir(), "parlor-profile-"));
    t.after(async () => {
      await person.#leave();
      await rm(person.#profile, { recursive: true, maxRetries: 5 });
    });
    await person.opensBrowser();
    await person.register();
    return person;
  }

  /** Opens the page in another tab, and goes on there. */
  async openTab(path) {
    this.page = await this.#context.newPage();
    this.page.setDefaultTimeout(PATIENCE_MS);
    await this.page.goto(this.#parlor.at(path));
  }

  async #watch() {
    const context = this.#context;
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: this.#parlor.url });
    context.on("page", (page) => {
      page.on("websocket", (socket) => {
        socket.on("framereceived", ({ payload }) => this.heard.push(String(payload)));
      });
    });
    await context.exposeFunction("reportViolation", (what) => this.#untoward.push(what));
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        window.reportViolation(`${event.violatedDirective} was violated by ${event.blockedURI}`);
      });
    });
    context.on("weberror", (error) => this.#untoward.push(error.error().stack));
    context.on("dialog", (dialog) => {
      this.#untoward.push(`a dialog said ${dialog.message()}`);
      void dialog.dismiss();
    });
  }

  async #leave() {
    await this.#context.close();
    assert.deepEqual(this.#untoward, [], `at ${this.name}'s page`);
  }

  // At the door.

  async register(name = this.name, password = PASSWORD) {
    await this.#toDoor("Create an account");
    await this.fillDoor(name, password);
    await this.isInside();
  }

  async logIn(name = this.name, password = PASSWORD) {
    await this.#toDoor("Log in");
    await this.fillDoor(name, password);
    await this.isInside();
  }

  async #toDoor(which) {
    const form = this.page.locator("form");
    await form.waitFor();
    const turn = this.page.locator(".turn").getByRole("button", { name: which });
    if (await turn.isVisible()) await turn.click();
  }

  async fillDoor(name, password) {
    await this.page.getByLabel("Name").fill(name);
    await this.page.getByLabel("Password").fill(password);
    await this.page.locator("form button[type=submit]").click();
  }

  async isInside() {
    await this.account.waitFor({ state: "attached" });
  }

  get account() {
    return this.page.getByRole("button", { name: `Your account: ${this.name}` });
  }

  async isAtTheDoor() {
    await this.page.getByLabel("Password").waitFor();
  }

  async chooseInAccountMenu(item) {
    await this.account.click();
    await this.page.getByRole("button", { name: item, exact: true }).click();
  }

  // Rooms.

  async createRoom(name) {
    await this.page.getByRole("button", { name: "Create a room" }).click();
    await this.dialog("Create a room").getByLabel("Name").fill(name);
    await this.dialog("Create a room").getByRole("button", { name: "Create room" }).click();
    await this.isIn(name);
  }

  async openRoom(name) {
    await this.listed(name).click();
    await this.isIn(name);
  }

  async isIn(name) {
    await this.page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
    await this.composer.waitFor();
  }

  /** The room's link, as the button puts it into the clipboard. */
  async copyLink() {
    const header = this.page.getByRole("main").locator("header");
    await header.getByRole("button", { name: "Invite to this room" }).click();
    await header.getByRole("button", { name: "Copy link" }).click();
    await header.getByRole("button", { name: "Copied" }).waitFor();
    await this.press("Escape");
    return this.page.evaluate(() => navigator.clipboard.readText());
  }

  /** Opens the picture of the room's link, and closes it again. */
  async showsLinkAsPicture() {
    const header = this.page.getByRole("main").locator("header");
    await header.getByRole("button", { name: "Invite to this room" }).click();
    await header.getByRole("img").waitFor();
    await this.press("Escape");
  }

  /** A room in the list. */
  listed(name) {
    return this.page.locator(".sidebar li a", { hasText: name });
  }

  dialog(title) {
    return this.page.getByRole("dialog", { name: title });
  }

  // Talking.

  get composer() {
    return this.page.getByRole("textbox", { name: /^Message to/ });
  }

  get log() {
    return this.page.getByRole("log");
  }

  /** A message that is there or on its way. */
  message(text) {
    return this.log.locator("article", { hasText: text });
  }

  async say(text) {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  /** Waits until the message is in the room's log, and not only on its way there. */
  async reads(text) {
    await this.message(text).and(this.log.locator("[data-seq]")).first().waitFor();
  }

  /** The texts of the messages on the page, in their order. */
  bodies() {
    return this.log.locator("article .body").allInnerTexts();
  }

  /** The numbers of the messages on the page, in their order. */
  numbers() {
    return this.log.locator("[data-seq]").evaluateAll((all) => all.map(({ dataset }) => Number(dataset.seq)));
  }

  /** A message on its way. */
  pending(text) {
    return this.log.locator("article.pending", { hasText: text });
  }

  // Who is here.

  /** Waits until these people, and no others, are in a group of the list of people. */
  async seesPeople(group, names) {
    await this.until(
      ([group, names]) => {
        const sections = [...document.querySelectorAll("aside section")];
        const section = sections.find((one) => one.querySelector("h3").textContent.startsWith(group));
        const found = [...(section?.querySelectorAll("bdi") ?? [])].map((name) => name.textContent);
        return found.sort().join() === names.join();
      },
      [group, [...names].sort()],
    );
  }

  // The page itself.

  /** Waits until the browser keeps this build of the page, to open it without a network; how many builds it keeps. */
  async pageIsKept(build = "") {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(50)) {
      const kept = await this.page.evaluate(async () => {
        const { installing, waiting, active } = (await navigator.serviceWorker.getRegistration()) ?? {};
        const settled = !installing && !waiting && active?.state === "activated";
        return settled && navigator.serviceWorker.controller ? caches.keys() : [];
      });
      if (kept.at(-1)?.endsWith(build)) return kept.length;
    }
    assert.fail("the page is not kept");
  }

  /** Opens an address in the tab; after how many milliseconds a text and the list of rooms stand there. */
  async opensAndSees(path, text) {
    await this.page.addInitScript((text) => {
      const look = () => {
        if (!document.body?.textContent.includes(text) || !document.querySelector(".sidebar li")) return;
        observer.disconnect();
        // What is in the document is painted with the next frame.
        requestAnimationFrame(() => (window.seenAfter = performance.now()));
      };
      const observer = new MutationObserver(look);
      observer.observe(document, { childList: true, subtree: true });
    }, text);
    await this.page.goto(this.#parlor.at(path));
    await this.until(() => window.seenAfter !== undefined);
    return this.page.evaluate(() => Math.round(window.seenAfter));
  }

  /** All that is in the page's storage, as one text. */
  keeps() {
    return this.page.evaluate(async () => {
      const all = [{ ...localStorage }, { ...sessionStorage }];
      for (const { name } of await indexedDB.databases()) {
        const db = await new Promise((resolve, reject) => {
          const opening = indexedDB.open(name);
          opening.onsuccess = () => resolve(opening.result);
          opening.onerror = () => reject(opening.error);
        });
        for (const store of db.objectStoreNames) {
          const reading = db.transaction(store).objectStore(store).getAll();
          all.push(await new Promise((resolve) => (reading.onsuccess = () => resolve(reading.result))));
        }
        db.close();
      }
      return JSON.stringify(all);
    });
  }

  /** Waits until a text is in the page's storage: what was received gets there by and by. */
  async hasKept(text) {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(50)) {
      if ((await this.keeps()).includes(text)) return;
    }
    assert.fail(`${text} is not kept`);
  }

  /** Which build of the page this is. */
  build() {
    return this.page.locator("meta[name=build]").getAttribute("content");
  }

  // Barriers.

  /** Fails when axe-core finds anything on what they see, with all rules that it has. */
  async findsNoBarrier(view) {
    if (!(await this.page.evaluate(() => "axe" in window))) await this.page.evaluate(axe.source);
    // What fades in is looked at when it is there.
    await this.until(() => document.getAnimations().every((one) => one.playState === "finished"));
    const { violations } = await this.page.evaluate(() => window.axe.run({ resultTypes: ["violations"] }));
    const found = violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${help}\n${html}\n${failureSummary}`),
    );
    assert.deepEqual(found, [], `${view}:\n${found.join("\n\n")}`);
  }

  // The rest of the world.

  /** The browser throws away what the page kept, as it may when it needs the space. */
  async forgetsOnDevice() {
    await this.page.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const request = indexedDB.deleteDatabase("parlor");
          request.onsuccess = resolve;
          request.onerror = reject;
        }),
    );
  }

  /** What happened that should not have, and is not held against the page any more. */
  forgive() {
    return this.#untoward.splice(0);
  }

  /** The process that shows their page ends, without a word to it. They go on in a new tab. */
  async tabCrashes() {
    const crashed = new Promise((resolve) => this.page.once("crash", resolve));
    const session = await this.#context.newCDPSession(this.page);
    session.send("Page.crash").catch(() => undefined);
    await crashed;
    await this.page.close();
  }

  /** All processes of their browser end. */
  async browserCrashes() {
    const session = await this.#context.browser().newBrowserCDPSession();
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    const closed = new Promise((resolve) => this.#context.once("close", resolve));
    process.kill(processInfo.find(({ type }) => type === "browser").id, "SIGKILL");
    await closed;
  }

  async closesBrowser() {
    await this.#context.close();
  }

  /** Opens the browser of their own, and the page in it. */
  async opensBrowser(path = "/", { offline = false } = {}) {
    this.#context = await browserWith(this.#profile, { ...this.#settings, offline });
    await this.#watch();
    await this.openTab(path);
  }

  async losesNetwork() {
    await this.#context.setOffline(true);
  }

  async findsNetwork() {
    // A worker that ended with a tab never answers to it. What comes of it is waited for by what they see.
    this.#context.setOffline(false).catch(() => undefined);
  }

  /** Waits until a function of the page says so. */
  async until(condition, argument) {
    await this.page.waitForFunction(condition, argument, { timeout: PATIENCE_MS });
  }

  async press(...keys) {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  /** Goes on with the Tab key until this has the focus. */
  async tabTo(control) {
    for (let step = 0; step < 60; step++) {
      if (await control.evaluate((element) => element === document.activeElement)) return;
      await this.press("Tab");
    }
    assert.fail(`the Tab key does not lead to ${control}`);
  }
}
