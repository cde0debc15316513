// Bun's own WebSocket server (uWebSockets inside) with its own topics.
import { hear, listening, roomOf } from './rooms.mjs';

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch(request, own) {
    return own.upgrade(request, { data: { room: roomOf(request.url) } }) ? undefined : new Response('no', { status: 400 });
  },
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 0,
    sendPings: false,
    maxPayloadLength: 4096,
    open: (socket) => socket.subscribe(socket.data.room),
    message: () => undefined,
  },
});
await hear((name, text) => server.publish(name, text));
listening(server.port);
