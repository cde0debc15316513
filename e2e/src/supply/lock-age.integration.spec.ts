import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { lockOf } from './lock.js';
import { cameNew, publishedAt, takenEarly, tooYoung } from './lock-age.js';

const NOW = new Date('2026-11-23T12:00:00Z');
const TIMES = { '1.0.0': '2026-11-01T00:00:00.000Z', '1.0.1': '2026-11-22T00:00:00.000Z' };

const lock = (packages: Record<string, string>) =>
  lockOf(
    JSON.stringify({
      lockfileVersion: 3,
      packages: Object.fromEntries(Object.entries(packages).map(([path, version]) => [path, { version }])),
    }),
  );

describe('the age of what comes new into the lock file', () => {
  it('is asked of the registry, by npm itself', async () => {
    const registry = createServer((_request, response) => {
      const versions = Object.fromEntries(Object.keys(TIMES).map((version) => [version, { name: 'left', version, dist: {} }]));
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ name: 'left', 'dist-tags': { latest: '1.0.1' }, versions, time: TIMES }));
    });
    registry.listen(0, '127.0.0.1');
    await once(registry, 'listening');
    const address = registry.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const env = { npm_config_registry: `http://127.0.0.1:${String(port)}/`, npm_config_prefer_online: 'true' };
    try {
      const faults = await tooYoung(['left@1.0.0', 'left@1.0.1'], NOW, new Set(), (id) => publishedAt(id, env));
      expect(faults).toEqual(['left@1.0.1 is 1.5 days old and must be 7.']);
      await expect(publishedAt('left@2.0.0', env)).rejects.toThrow();
    } finally {
      registry.close();
    }
  });

  it('is asked for nothing that was there before, elsewhere in the tree or not', () => {
    const before = lock({ '': '0.1.0', 'node_modules/a': '1.0.0', 'node_modules/b': '1.0.0', 'libs/tips': '0.1.0' });
    const after = lock({ '': '0.1.0', 'node_modules/a': '1.0.1', 'node_modules/c/node_modules/b': '1.0.0', 'libs/new': '0.1.0' });
    expect(cameNew(before, after)).toEqual(['a@1.0.1']);
    expect(cameNew(after, after)).toEqual([]);
  });

  it('may be less for what is listed as taken early, and for nothing else', async () => {
    const page = '# x\n\n## Taken early\n\n| what | why |\n| --- | --- |\n| `left@1.0.1` | a hole |\n\n## More\n\n| `other@1.0.0` | no |\n';
    expect([...takenEarly(page)]).toEqual(['left@1.0.1']);
    const ask = () => Promise.resolve(NOW);
    expect(await tooYoung(['left@1.0.1'], NOW, takenEarly(page), ask)).toEqual([]);
    expect(await tooYoung(['other@1.0.0'], NOW, takenEarly(page), ask)).toHaveLength(1);
  });
});
