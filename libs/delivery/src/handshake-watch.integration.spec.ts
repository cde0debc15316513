import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HandshakeWatch } from './handshake-watch.js';
import { RawSocket } from './testing/raw-socket.js';

const IDLE_MS = 300;
const LIMITS = { idleMs: IDLE_MS, most: 30, silent: 3 };
let server: Server;
let watch: HandshakeWatch;
let dropped: number;
const ports = (): number => {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};

beforeEach(async () => {
  server = createServer((request, response) => {
    if (request.url === '/stream') {
      const beat = setInterval(() => response.write('x'), IDLE_MS / 3);
      response.once('close', () => {
        clearInterval(beat);
      });
    } else response.end('x'.repeat(1_000_000));
  });
  dropped = 0;
  watch = new HandshakeWatch(server, LIMITS, () => (dropped += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  watch.stop();
  server.closeAllConnections();
  server.close();
});

async function connections(): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}

describe(HandshakeWatch.name, () => {
  it('ends a connection that asks and never reads, and not one to which something goes now and then', async () => {
    const [deaf, listening] = [await RawSocket.connect(ports()), await RawSocket.connect(ports())];
    deaf.socket.pause();
    deaf.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(50));
    listening.socket.write('GET /stream HTTP/1.1\r\nHost: x\r\n\r\n');
    await expect.poll(connections).toBe(2);
    await expect.poll(connections, { timeout: 4 * IDLE_MS + 2000 }).toBe(1);
    await sleep(2 * IDLE_MS);
    expect(await connections()).toBe(1);
    expect(listening.socket.destroyed).toBe(false);
    for (const raw of [deaf, listening]) raw.end();
  });

  it('hurries those that have not asked for anything when there are too many of them, the oldest first', async () => {
    watch.stop();
    watch = new HandshakeWatch(server, { ...LIMITS, idleMs: 60_000 });
    const asking = await RawSocket.connect(ports());
    asking.socket.write('GET /stream HTTP/1.1\r\nHost: x\r\n\r\n');
    const silent: RawSocket[] = [];
    for (let n = 0; n < 4; n += 1) silent.push(await RawSocket.connect(ports()));
    await expect.poll(connections).toBe(5);
    const oneMore = async (): Promise<boolean | undefined> => {
      silent.push(await RawSocket.connect(ports()));
      return silent[0]?.isGone;
    };
    await expect.poll(oneMore, { interval: 200, timeout: 4000 }).toBe(true);
    expect([asking.isGone, silent.at(-1)?.isGone]).toEqual([false, false]);
    for (const raw of [asking, ...silent]) raw.end();
  });

  it('takes no more connections than there may be, and counts those', async () => {
    const asking: RawSocket[] = [];
    for (let n = 0; n < LIMITS.most + 2; n += 1) {
      const raw = await RawSocket.connect(ports());
      raw.socket.write('GET /stream HTTP/1.1\r\nHost: x\r\n\r\n');
      asking.push(raw);
    }
    await expect.poll(() => asking.filter(({ isGone }) => isGone).length).toBe(2);
    expect([dropped, await connections()]).toEqual([2, LIMITS.most]);
    for (const raw of asking) raw.end();
  });
});
