import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { factsTable, readFacts, writeFacts, type Facts } from './facts.js';

const facts: Facts = {
  pid: 1,
  overlayPage: 'http://127.0.0.1:8080/overlay/#t',
  webSocket: 'ws://127.0.0.1:8080/overlay?token=t',
  api: 'http://127.0.0.1:8080',
  apiDocs: 'http://127.0.0.1:8080/docs',
  metrics: 'http://127.0.0.1:9090/metrics',
  health: 'http://127.0.0.1:9090/health/ready',
  accessToken: 'a',
  adminToken: 'b',
  creator: { id: 'c', handle: 'demo', wallet: '0x1' },
  chain: { chainId: 31337, rpc: 'http://127.0.0.1:8545', ws: 'ws://127.0.0.1:8545', tipJar: '0x2', tipperKey: '0x3' },
};

describe('the facts of a running standalone', () => {
  it('can be read back', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'droppio-facts-'));
    await writeFacts(folder, facts);
    expect(await readFacts(folder)).toEqual(facts);
  });

  it('are unknown when nothing has run, or the file holds something else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'droppio-facts-'));
    expect(await readFacts(folder)).toBeUndefined();
    writeFileSync(join(folder, 'standalone.json'), '{"pid":"one"}');
    expect(await readFacts(folder)).toBeUndefined();
  });

  it('make a table with a row for each address', () => {
    expect(
      factsTable(facts)
        .split('\n')
        .map((row) => row.trim().split(/\s{2,}/)[0]),
    ).toEqual(['Overlay page', 'WebSocket', 'API docs', 'Metrics', 'RPC', 'Tip jar']);
  });
});
