import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepPace } from './pace.js';

/* More than the buffers of both ends take. */
const PIECES = 1000;
const PIECE = 'x'.repeat(32 * 1024);
const PACE = { leastBytes: 256 * 1024, everyMs: 150 };

const app = express();
let cuts = 0;
app.get('/:pauseMs', (request, response) => {
  const rest = keepPace(
    response,
    () => {
      cuts += 1;
      response.socket?.resetAndDestroy();
    },
    PACE,
  );
  response.once('close', rest);
  Readable.from(pieces(Number(request.params.pauseMs))).pipe(response);
});
async function* pieces(pauseMs: number): AsyncGenerator<string> {
  for (let n = 0; n < (pauseMs > 0 ? 3 : PIECES); n += 1) {
    if (pauseMs > 0) await sleep(pauseMs);
    yield PIECE;
  }
}
const server = app.listen(0, '127.0.0.1');

beforeAll(async () => {
  if (!server.listening) await once(server, 'listening');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

interface Reader {
  readonly got: () => number;
  /** Once the server has ended it, or the reader itself. */
  readonly closed: Promise<unknown>;
  readonly leave: () => void;
}

/** Reads so many bytes, again after so long. */
function read(path: string, bytes: number, everyMs: number): Reader {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.pause();
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  let got = 0;
  const reading = setInterval(() => {
    for (let left = bytes; left > 0;) {
      const chunk = socket.read(Math.min(left, socket.readableLength)) as Buffer | null;
      if (chunk === null) break;
      left -= chunk.length;
      got += chunk.length;
    }
    socket.read(0);
  }, everyMs);
  socket.once('close', () => {
    clearInterval(reading);
  });
  return { got: () => got, closed, leave: () => socket.destroy() };
}

describe(keepPace.name, () => {
  it('cuts off whoever takes an answer byte by byte', async () => {
    cuts = 0;
    const reader = read('/0', 1, 20);
    await expect.poll(() => cuts, { timeout: 5000 }).toBe(1);
    expect(reader.got()).toBeLessThan(1000);
    reader.leave();
    await reader.closed;
  });

  it.each([
    ['lets whoever reads steadily have all of it', '/0', PIECES],
    ['does not blame a client for what comes slowly', '/400', 3],
  ])('%s', async (_what, path, pieces) => {
    cuts = 0;
    const reader = read(path, 4 * 1024 * 1024, 5);
    await reader.closed;
    expect(reader.got()).toBeGreaterThan(pieces * PIECE.length);
    expect(cuts).toBe(0);
  });
});
