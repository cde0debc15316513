import { startChild } from '@droppio/e2e/houses';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { INSPECTED, LiveHeap } from './live-heap.js';

const MIB = 2 ** 20;
/** 24 MiB of garbage, and 8 MiB that are held. */
const LITTERER = `
  const arrays = (mib) => Array.from({ length: mib * 1024 }, () => Array.from({ length: 128 }, Math.random));
  globalThis.held = arrays(8);
  arrays(24);
  require('node:http')
    .createServer((_, response) => response.end('nodejs_heap_size_used_bytes ' + process.memoryUsage().heapUsed))
    .listen(0, '127.0.0.1', function () { console.log('listens on ' + this.address().port + ' with ' + process.memoryUsage().heapUsed); });
`;
const START_MS = 10_000;
let child: ReturnType<typeof startChild>;

beforeEach(() => {
  child = startChild(process.execPath, ['-e', LITTERER], { env: INSPECTED });
});
afterEach(async () => {
  await child.stop('SIGKILL').catch(() => undefined);
});

describe(LiveHeap.name, () => {
  it('is what is held, whatever lies about; and the process ends when it is told to', async () => {
    const [, port, used] = await child.until(/listens on (\d+) with (\d+)/, START_MS);
    const heap = LiveHeap.of({ child, internalUrl: `http://127.0.0.1:${String(port)}` });
    const bytes = await heap.bytes();
    expect(bytes).toBeGreaterThan(8 * MIB);
    expect(bytes).toBeLessThan(16 * MIB);
    expect(Number(used)).toBeGreaterThan(bytes + 8 * MIB);
    await child.stop('SIGTERM', 2000);
  });

  it('is not guessed of a process that has no inspector', () => {
    expect(() => LiveHeap.of({ child: { output: () => '' }, internalUrl: 'http://127.0.0.1:1' })).toThrow(/not started with an inspector/);
  });
});
