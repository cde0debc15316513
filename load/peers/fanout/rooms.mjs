import { Redis } from 'ioredis';

/** Hands over what is published to `room:<name>`: one subscription for all rooms, so that the peer's own work is the fan-out alone. */
export async function hear(tell) {
  const redis = new Redis(process.env.REDIS_URL);
  redis.on('pmessage', (_pattern, channel, text) => tell(channel.slice('room:'.length), text));
  await redis.psubscribe('room:*');
}

export const roomOf = (url) => new URLSearchParams(url.split('?')[1]).get('room') ?? '';

export const listening = (port) => console.log(`listening ${port}`);
