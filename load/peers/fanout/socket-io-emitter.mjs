// Publishes to the rooms of `socket-io.mjs` from another process, as a worker would: hears of messages as the other peers do.
import { Emitter } from '@socket.io/redis-emitter';
import { Redis } from 'ioredis';
import { hear, listening } from './rooms.mjs';

// The emitter asks its client for publish(channel, message) and nothing else.
const emitter = new Emitter(new Redis(process.env.REDIS_URL));
await hear((name, text) => emitter.to(name).emit('tip', text));
listening(0);
