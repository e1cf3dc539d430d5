// What Bun's own WebSocket server reaches when it frames Socket.IO by hand: no library between the
// socket and the room, and just enough of the protocol for the generator. `--listen HOST:PORT`.
const [hostname, port] = process.argv[process.argv.indexOf("--listen") + 1].split(":");

const PING_INTERVAL_MS = 25_000;
const EVERYBODY = "everybody";

const open = {
  upgrades: [],
  pingInterval: PING_INTERVAL_MS,
  pingTimeout: 20_000,
  maxPayload: 1_000_000,
};

const server = Bun.serve({
  hostname,
  port: Number(port),
  fetch(request, server) {
    return server.upgrade(request) ? undefined : new Response("WebSocket only", { status: 400 });
  },
  websocket: {
    open(socket) {
      socket.subscribe(EVERYBODY);
      socket.send(`0${JSON.stringify({ sid: crypto.randomUUID(), ...open })}`);
    },
    message(socket, packet) {
      if (packet.startsWith("42")) return event(socket, packet);
      if (packet === "40") socket.send(`40${JSON.stringify({ sid: crypto.randomUUID() })}`);
    },
  },
});

function event(socket, packet) {
  const start = packet.indexOf("[");
  const id = packet.slice(2, start);
  const [name, room, value] = JSON.parse(packet.slice(start));
  if (name === "join") socket.subscribe(`room ${room}`);
  if (name === "message") {
    server.publish(`room ${room}`, `42${JSON.stringify(["message", value])}`);
  }
  if (id !== "") socket.send(`43${id}[true]`);
}

setInterval(() => server.publish(EVERYBODY, "2"), PING_INTERVAL_MS);
