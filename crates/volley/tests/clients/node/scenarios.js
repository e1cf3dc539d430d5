// What people do with a stock client and its default options. The list is run by Node and by
// Chromium, once for each way of travelling; nothing in it knows which of them runs it.

import { bytes, collect, next, PATIENCE_MS, same, upTo } from "./expect.js";

/** The ways a stock client can be told to travel, and the transport it ends up on. */
export const travels = {
  "polling, then upgrade": { options: {}, settlesOn: "websocket" },
  "WebSocket only": { options: { transports: ["websocket"] }, settlesOn: "websocket" },
  "polling only": { options: { transports: ["polling"] }, settlesOn: "polling" },
};

export const scenarios = {
  async "a client is welcomed with the auth it came with"({ open }) {
    const alice = open({ auth: { name: "alice", languages: ["de", "日本語"] } });
    const [welcome] = await next(alice, "welcome");
    same(welcome, { name: "alice", languages: ["de", "日本語"] });
  },

  async "a client settles on the transport it is meant for"({ open, travel }) {
    const alice = open();
    await next(alice, "connect");
    const { engine } = alice.io;
    if (engine.transport.name !== travel.settlesOn) {
      await next(engine, "upgrade");
    }
    same(engine.transport.name, travel.settlesOn);
    same(await alice.emitWithAck("sum", 1, 2), 3);
  },

  async "a refused client is told why and does not try again"({ open }) {
    const mallory = open({ auth: { token: "stolen" } });
    const [error] = await next(mallory, "connect_error");
    same(error.message, "That token is not known here.");
    same([mallory.connected, mallory.active], [false, false]);
  },

  async "an unknown namespace is refused"({ open }) {
    const alice = open({}, "/nowhere");
    const [error] = await next(alice, "connect_error");
    same(error.message, "Invalid namespace");
    same([alice.connected, alice.active], [false, false]);
  },

  async "an event comes back with every kind of argument"({ open }) {
    const alice = open();
    for (const args of [
      [],
      ["text", 1, -0.5, true, null],
      [{ nested: [{ deeply: [[]] }], empty: {} }],
      ["\u001e separator, \" quote, \\ backslash, \n newline, 👩‍👩‍👧 family"],
      ["long ".repeat(10_000)],
    ]) {
      alice.emit("echo", ...args);
      same(await next(alice, "echo"), args);
    }
  },

  async "bytes come back as they were, wherever they stand"({ open }) {
    const alice = open();
    for (const args of [
      [bytes(1, 2, 3, 4)],
      [bytes()],
      [{ picture: bytes(0, 255), thumbnails: [bytes(7), bytes(8)] }, "caption", bytes(9)],
      [bytes(...upTo(50_000).map((value) => value % 256))],
    ]) {
      alice.emit("echo", ...args);
      same(await next(alice, "echo"), args);
    }
  },

  async "the server acknowledges, with bytes too"({ open }) {
    const alice = open();
    same(await alice.emitWithAck("sum", 20, 22), 42);
    same(await alice.timeout(PATIENCE_MS).emitWithAck("echo", "text"), "text");
    same(await alice.emitWithAck("echo", bytes(1, 2)), bytes(1, 2));
    const sums = upTo(100).map((value) => alice.emitWithAck("sum", value, value));
    same(await Promise.all(sums), upTo(100).map((value) => 2 * value));
  },

  async "the client acknowledges, with bytes too"({ open }) {
    const alice = open();
    alice.on("question", (question, reply) => reply(question, bytes(5, 6)));
    for (const question of ["ready?", "steady?"]) {
      alice.emit("ask-me", question);
      same(await next(alice, "answered"), [question, bytes(5, 6)]);
    }
  },

  async "a client that does not acknowledge in time is given up on"({ open }) {
    const alice = open();
    alice.on("question", () => {});
    alice.emit("ask-me-briefly", "anybody?");
    await next(alice, "unanswered");
    same(await alice.emitWithAck("sum", 1, 1), 2);
  },

  async "an event sent right after connecting is answered"({ open }) {
    const people = upTo(3).map(() => open());
    const answers = people.flatMap((person) => {
      const waiting = person.emitWithAck("echo", "before connect");
      const hurried = new Promise((resolve) => {
        person.on("connect", () => person.emit("echo", "on connect", resolve));
      });
      return [waiting, hurried];
    });
    same(await Promise.all(answers), people.flatMap(() => ["before connect", "on connect"]));
  },

  async "many events keep their order in both directions"({ open }) {
    const alice = open();
    const numbers = collect(alice, "number", 2_000);
    alice.emit("count", 1_000);
    for (const value of upTo(1_000)) {
      alice.emit("note", value);
      if (value % 100 === 0) {
        await new Promise((resolve) => setTimeout(resolve));
      }
    }
    alice.emit("count", 1_000);
    same(await alice.emitWithAck("notes"), upTo(1_000));
    same(await numbers, [...upTo(1_000), ...upTo(1_000)]);
  },

  async "text and bytes keep their order"({ open }) {
    const alice = open();
    const sent = upTo(100).map((value) => (value % 2 ? bytes(value) : value));
    const received = collect(alice, "echo", sent.length);
    sent.forEach((value) => alice.emit("echo", value));
    same(await received, sent);
  },

  async "two namespaces share one connection and end apart"({ open }) {
    const alice = open();
    const member = alice.io.socket("/members");
    member.connect();
    same(await member.emitWithAck("where"), "/members");
    same(await alice.emitWithAck("where"), "/");
    member.disconnect();
    same(await alice.emitWithAck("where"), "/");
  },

  async "a room hears everything said in it until one leaves"({ open }) {
    const [alice, bob] = [open(), open()];
    const room = `room ${Math.random()}`;
    await Promise.all([alice, bob].map((person) => person.emitWithAck("join", room)));
    const heard = [alice, bob].map((person) => collect(person, "said", 2));
    alice.emit("say", room, "hello");
    alice.emit("say", room, bytes(1, 2, 3));
    same(await Promise.all(heard), upTo(2).map(() => ["hello", bytes(1, 2, 3)]));

    await bob.emitWithAck("leave", room);
    bob.on("said", () => bob.emit("note", "heard it still"));
    await alice.emitWithAck("say", room, "is bob gone?");
    same(await bob.emitWithAck("notes"), []);
  },

  async "a client that leaves is seen leaving"({ open }) {
    const name = `bob ${Math.random()}`;
    const [alice, bob] = [open(), open({ auth: { name } })];
    await next(bob, "connect");
    const reason = alice.emitWithAck("departure", name);
    bob.disconnect();
    same(await reason, "client_disconnect");
  },

  async "a client shown out stays out until it chooses to come back"({ open }) {
    const alice = open();
    alice.emit("show-me-out");
    same((await next(alice, "disconnect"))[0], "io server disconnect");
    same(alice.active, false);
    alice.connect();
    same(await alice.emitWithAck("sum", 2, 2), 4);
  },

  async "a client whose connection ends comes back by itself"({ open }) {
    const alice = open();
    await next(alice, "connect");
    const before = alice.id;
    alice.emit("cut-me-off");
    same((await next(alice, "disconnect"))[0], "transport close");
    await next(alice, "connect");
    same(alice.id === before, false);
    same(await alice.emitWithAck("echo", "back again"), "back again");
  },

  async "an idle client stays connected from ping to ping"({ open }) {
    const alice = open();
    await next(alice, "connect");
    const before = alice.id;
    await collect(alice.io, "ping", 3);
    same(await alice.emitWithAck("echo", "still here"), "still here");
    same(alice.id, before);
  },
};

/** Runs one scenario with sockets of its own, and closes them whatever happens. */
export async function run(io, url, travel, scenario) {
  const sockets = [];
  const open = (options = {}, namespace = "/") => {
    const socket = io(new URL(namespace, url).href, {
      ...travel.options,
      ...options,
      forceNew: true,
    });
    sockets.push(socket);
    return socket;
  };
  try {
    await scenario({ open, travel });
  } finally {
    for (const { io: manager } of sockets) {
      manager.reconnection(false);
      manager.engine.close();
    }
  }
}
