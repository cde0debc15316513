import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HandshakeWatch } from './handshake-watch.js';
import { RawSocket } from './testing/raw-socket.js';

const IDLE_MS = 300;
let server: Server;
let watch: HandshakeWatch;
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
  watch = new HandshakeWatch(server, IDLE_MS);
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
});
