// Somebody who comes without a browser, as bots do. Tests have them fill rooms quickly.

import { randomUUID } from "node:crypto";
import { io } from "socket.io-client";

export const PASSWORD = "a horse, a staple";

export class Program {
  #parlor;
  #socket;
  #token;
  name;

  static async register(t, parlor, name) {
    const program = new Program();
    program.name = name;
    program.#parlor = parlor;
    const { token } = await program.#post("/api/register", { name, password: PASSWORD, kind: "token" });
    program.#token = token;
    program.#socket = io(parlor.url, { transports: ["websocket"], auth: { token }, forceNew: true });
    t.after(() => program.#socket.disconnect());
    return program;
  }

  /** Creates a room and enters it; its id. */
  async createRoom(name) {
    const { id } = await this.#post("/api/rooms", { name });
    await this.enter(id);
    return id;
  }

  enter(room) {
    return this.#ask("join", { room });
  }

  /** Tells that they are there and awake. */
  beat(room) {
    return this.#ask("heartbeat", { room });
  }

  leave(room) {
    return this.#ask("leave", { room });
  }

  /** Each is in the room when this is done, one after the other. */
  async say(room, ...bodies) {
    for (const body of bodies) await this.#ask("message", { room, client_id: randomUUID(), body });
  }

  /** The same much faster: several are on their way at a time, in this order. */
  async sayAtOnce(room, bodies, atOnce = 200) {
    for (let from = 0; from < bodies.length; from += atOnce)
      await Promise.all(bodies.slice(from, from + atOnce).map((body) => this.say(room, body)));
  }

  /** The texts of all that is in a room's log, which is not long. */
  async log(room) {
    const headers = { Authorization: `Bearer ${this.#token}` };
    const response = await fetch(this.#parlor.at(`/api/rooms/${room}/messages?after=0&limit=50`), {
      headers,
    });
    return good(await response.json(), "messages").messages.map(({ body }) => body);
  }

  async #ask(event, payload) {
    return good(await this.#socket.emitWithAck(event, payload), event);
  }

  async #post(path, body) {
    const headers = { "Content-Type": "application/json" };
    if (this.#token) headers.Authorization = `Bearer ${this.#token}`;
    const response = await fetch(this.#parlor.at(path), {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    return good(await response.json(), path);
  }
}

function good(answer, what) {
  if (answer.error) throw new Error(`${what}: ${answer.error.message}`);
  return answer.ok ?? answer;
}
