import { describe, expect, it } from 'vitest';
import { fullest, parseLoad } from './redis-load.js';

const info = (memory: number, limit: number, clients = 1): string =>
  `# Clients\r\nconnected_clients:${String(clients)}\r\nmaxclients:100\r\n# Memory\r\nused_memory:${String(memory)}\r\nused_memory_human:1K\r\nmaxmemory:${String(limit)}\r\n`;

describe(parseLoad.name, () => {
  it('reads what is used and what may be', () => {
    expect(parseLoad(info(10, 40, 3))).toEqual({ memoryBytes: 10, memoryLimitBytes: 40, clients: 3, clientsLimit: 100 });
  });

  it('takes what a managed Redis does not say for no limit', () => {
    expect(parseLoad('used_memory:10\r\n')).toEqual({ memoryBytes: 10, memoryLimitBytes: 0, clients: 0, clientsLimit: 0 });
  });
});

describe(fullest.name, () => {
  it('tells of the node that is nearest to its limit, not of the biggest', () => {
    const loads = [info(500, 1000), info(90, 100), info(800, 0)].map(parseLoad);
    expect(fullest(loads)?.memoryBytes).toBe(90);
  });

  it('counts connections, too', () => {
    const loads = [info(50, 100, 5), info(10, 100, 90)].map(parseLoad);
    expect(fullest(loads)?.clients).toBe(90);
  });

  it('tells of the biggest where there are no limits', () => {
    expect(fullest(['used_memory:1', 'used_memory:2'].map(parseLoad))?.memoryBytes).toBe(2);
  });
});
