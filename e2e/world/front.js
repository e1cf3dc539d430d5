// What may stand between a page and its Parlor: a proxy that fails as proxies fail, and the same address with the page
// of the next version behind it.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { connect } from "node:net";

const BUILD = /(<meta name="build" content=")([^"]+)/;

export class Front {
  #behind;
  #server;
  /** Connections that a page has open through it. */
  #sockets = new Set();
  /** The files of another version, by path. */
  #page = null;
  /** `well`; `alone`: there is nothing behind it; `silent`: nothing is answered; `mute`: what is answered does not come back. */
  #state = "well";
  url;

  /** Starts one that ends with the test `t`. */
  static async before(t, parlor) {
    const front = new Front();
    front.#behind = new URL(parlor.url);
    front.#server = createServer((ask, answer) => void front.#answer(ask, answer));
    front.#server.on("upgrade", (ask, socket, head) => front.#upgrade(ask, socket, head));
    front.#server.on("connection", (socket) => {
      front.#sockets.add(socket);
      socket.on("close", () => front.#sockets.delete(socket));
    });
    front.#server.listen(0, "127.0.0.1");
    await once(front.#server, "listening");
    front.url = `http://127.0.0.1:${front.#server.address().port}/`;
    t.after(() => {
      front.#server.close();
      front.#hangUp();
    });
    return front;
  }

  at(path) {
    return new URL(path, this.url).href;
  }

  /** The server behind it goes away, comes back, or nothing gets through any more. */
  becomes(state) {
    this.#state = state;
    // Who is mute still listens.
    if (state !== "mute") this.#hangUp();
  }

  /** Serves the page of the next version: each file has another name, and none its old one. */
  async upgrade() {
    const files = await this.#files();
    const names = [...files.keys()].map((path) => path.split("/").at(-1)).filter((name) => name !== "");
    const renamed = (text) => names.reduce((text, name) => text.replaceAll(name, `next-${name}`), text);
    let worker = await this.#read("/worker.js").then(({ body }) => renamed(String(body)));
    const next = new Map();
    for (const [path, digest] of files) {
      const { type, body } = await this.#read(path);
      const text = /html|css|javascript/.test(type);
      const content = text ? Buffer.from(renamed(String(body)).replace(BUILD, "$1next $2")) : body;
      worker = worker.replace(digest, sha256(content));
      next.set(renamed(path), { type, body: content });
    }
    worker = worker.replaceAll(await this.build(), (build) => `next ${build}`);
    next.set("/worker.js", { type: "text/javascript", body: Buffer.from(worker) });
    this.#page = next;
  }

  /** Serves another index than the worker has been promised, as a server does that is replaced in that moment. */
  changesInBetween() {
    const index = this.#page.get("/");
    index.body = Buffer.from(`${index.body}\n`);
  }

  /** Which build the server has. */
  async build() {
    const { body } = await this.#read("/");
    return BUILD.exec(String(body))[2];
  }

  /** The digest of each file that the worker keeps. */
  async #files() {
    const { body } = await this.#read("/worker.js");
    return new Map(
      [...String(body).matchAll(/\["(\/[^"]*)", *"(sha256-[^"]+)"\]/g)].map(([, ...file]) => file),
    );
  }

  async #read(path) {
    if (this.#page) return this.#page.get(path);
    const response = await fetch(new URL(path, this.#behind));
    return { type: response.headers.get("content-type"), body: Buffer.from(await response.arrayBuffer()) };
  }

  #hangUp() {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #answer(ask, answer) {
    if (this.#state === "silent") return;
    if (this.#state === "alone") return answer.writeHead(502).end("Bad Gateway");
    const { pathname } = new URL(ask.url, this.url);
    const file = this.#page?.get(pathname);
    const ours = pathname === "/" || pathname.startsWith("/assets/");
    if (file) {
      const cache = pathname.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";
      return answer.writeHead(200, { "content-type": file.type, "cache-control": cache }).end(file.body);
    }
    if (this.#page && ours) return answer.writeHead(404).end();
    const { hostname, port } = this.#behind;
    const passed = request({ hostname, port, path: ask.url, method: ask.method, headers: ask.headers });
    passed.on("response", (response) => {
      answer.writeHead(response.statusCode, response.headers);
      response.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    ask.pipe(passed);
  }

  #upgrade(ask, socket, head) {
    if (this.#state !== "well") return socket.destroy();
    const { hostname, port } = this.#behind;
    const passed = connect(port, hostname, () => {
      const headers = ask.rawHeaders.map((part, index) => (index % 2 ? `${part}\r\n` : `${part}: `)).join("");
      passed.write(`GET ${ask.url} HTTP/1.1\r\n${headers}\r\n`);
      passed.write(head);
      passed.on("data", (answer) => this.#state === "mute" || socket.write(answer));
      passed.on("end", () => socket.end());
      socket.pipe(passed);
    });
    passed.on("error", () => socket.destroy());
    socket.on("error", () => passed.destroy());
  }
}

function sha256(content) {
  return `sha256-${createHash("sha256").update(content).digest("base64")}`;
}
