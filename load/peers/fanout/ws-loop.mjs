// What one writes first: the sockets of a room in a Set, `send()` to each.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { hear, listening, roomOf } from './rooms.mjs';

const rooms = new Map();
const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false, maxPayload: 4096 });
sockets.on('connection', (socket, request) => {
  const name = roomOf(request.url);
  const room = rooms.get(name) ?? new Set();
  rooms.set(name, room.add(socket));
  socket.on('close', () => room.delete(socket));
});
await hear((name, text) => {
  for (const socket of rooms.get(name) ?? []) socket.send(text);
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => listening(server.address().port));
