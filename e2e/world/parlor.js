// A Parlor of one's own: the program itself, on a free port, with an empty folder.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const ROOT = resolve(import.meta.dirname, "../..");
const TARGET = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target");
/** The same with a clock that stands until it is moved; an example of its crate. */
export const MOVED_CLOCK = join(TARGET, "debug/examples/moved_clock");
const PROGRAM = process.env.PARLOR ?? join(TARGET, "debug/parlor");

/** Nobody in these tests is kept waiting by what keeps attackers waiting. */
const GENEROUS = [
  ["--logins-per-minute", "1000000"],
  ["--registrations-per-hour", "1000000"],
  ["--messages-per-second", "1000000"],
].flat();

const run = promisify(execFile);

export class Parlor {
  #program;
  #folder;
  #data;
  #process;
  #lines;
  url;

  /** Starts one that ends with the test `t`. */
  static async start(t, program = PROGRAM) {
    const parlor = new Parlor();
    parlor.#program = program;
    parlor.#folder = await mkdtemp(join(tmpdir(), "parlor-e2e-"));
    t.after(async () => {
      await parlor.kill();
      await rm(parlor.#folder, { recursive: true });
    });
    parlor.#data = join(parlor.#folder, "data");
    await parlor.#start("127.0.0.1:0");
    return parlor;
  }

  /** The address of a path. */
  at(path) {
    return new URL(path, this.url).href;
  }

  /** Ends it as a power cut would. */
  async kill() {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
  }

  /** Holds it still: connections stand, and nothing is answered. */
  freeze() {
    this.#process.kill("SIGSTOP");
  }

  thaw() {
    this.#process.kill("SIGCONT");
  }

  /** Starts it again after it was killed, where it was and with what it had. */
  async startAgain() {
    await this.#start(new URL(this.url).host);
  }

  /** Copies all its data while it runs; the copy. */
  async backUp() {
    const copy = join(this.#folder, "backup.db");
    await run(PROGRAM, ["backup", copy, "--data", this.#data]);
    return copy;
  }

  /** Ends it, and starts it with what it had when it was copied. */
  async goBackTo(copy) {
    await this.kill();
    this.#data = join(this.#folder, "restored");
    await run(PROGRAM, ["restore", copy, "--data", this.#data]);
    await this.startAgain();
  }

  /** Moves the clock of one that was started as `MOVED_CLOCK`; what time it is then. */
  async wait(minutes) {
    const answered = once(this.#lines, "line");
    this.#process.stdin.write(`${minutes * 60_000}\n`);
    const [line] = await answered;
    return Number(/^It is (\d+)$/.exec(line)[1]);
  }

  async #start(address) {
    const place = ["--listen", address, "--data", this.#data, "--log-level", "warn"];
    const child = spawn(this.#program, [...place, ...GENEROUS], { stdio: ["pipe", "pipe", "inherit"] });
    this.#process = child;
    const started = Promise.withResolvers?.() ?? withResolvers();
    child.once("error", started.reject);
    child.once("exit", (code, signal) =>
      started.reject(new Error(`parlor ended at once: ${code ?? signal}`)),
    );
    this.#lines = createInterface(child.stdout);
    this.#lines.on("line", (line) => {
      const url = /^Parlor is at (http\S+)$/.exec(line)?.[1];
      if (url) started.resolve(url);
    });
    this.url = await started.promise;
  }
}

function withResolvers() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}
