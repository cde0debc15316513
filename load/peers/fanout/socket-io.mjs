// Socket.IO as its documentation sets it up for several processes: WebSocket alone, Redis adapter, no deflate (its default).
import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { listening } from './rooms.mjs';

const server = createServer();
const redis = new Redis(process.env.REDIS_URL);
const io = new Server(server, {
  adapter: createAdapter(redis, redis.duplicate()),
  transports: ['websocket'],
  serveClient: false,
  maxHttpBufferSize: 4096,
  pingInterval: 600_000,
  pingTimeout: 600_000,
});
io.use((socket, next) => {
  void socket.join(socket.handshake.query.room);
  // Its documentation's advice for memory: let go of the request.
  socket.conn.request = null;
  next();
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => listening(server.address().port));
