// The reference server with its default options. `--listen HOST:PORT`.
import { createServer } from "node:http";
import { Server } from "socket.io";

const [host, port] = process.argv[process.argv.indexOf("--listen") + 1].split(":");

const io = new Server();
io.on("connection", (socket) => {
  socket.on("join", (room, ack) => {
    socket.join(room);
    ack?.(true);
  });
  socket.on("message", (room, value, ack) => {
    io.to(room).emit("message", value);
    ack?.(true);
  });
});

const http = createServer();
io.attach(http);
http.listen(Number(port), host);
