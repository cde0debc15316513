import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { gatewayCosts } from './fanout-figures.js';
import { readManifests, ROOT } from './kustomize.js';
import { APPS, SCHEMAS } from './settings.js';

const FOLDER = join(ROOT, 'docs/deploy');
const pages = readdirSync(FOLDER).map((name) => ({ name, text: readFileSync(join(FOLDER, name), 'utf8') }));
const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')));
const found = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, word = '']) => word);

const Kustomization = z.looseObject({
  replicas: z.array(z.object({ name: z.string(), count: z.number() })),
  patches: z.array(z.looseObject({ patch: z.string() })),
});
const Least = z.looseObject({
  kind: z.literal('HorizontalPodAutoscaler'),
  metadata: z.object({ name: z.string() }),
  spec: z.object({ minReplicas: z.number() }),
});
const Deployed = z.looseObject({ spec: z.looseObject({ replicas: z.number() }) });

/** Everything that the manifests name, as `kind/name`. */
const objects = new Set(
  ['base', 'components']
    .flatMap((folder) =>
      readdirSync(join(ROOT, 'k8s', folder), { recursive: true, encoding: 'utf8' }).map((file) => join(ROOT, 'k8s', folder, file)),
    )
    .filter((file) => file.endsWith('.yaml') && !/kustomization|-values/.test(file))
    .flatMap(readManifests)
    // From a CronJob people make a Job of the same name.
    .flatMap(({ kind, metadata: { name } }) =>
      kind === 'CronJob' ? [`cronjob/${name}`, `job/${name}`] : [`${kind.toLowerCase()}/${name}`],
    ),
);

it('is the whole set of pages', () => {
  const names = ['backup', 'checklists', 'edge', 'kubernetes', 'os', 'postgres', 'redis', 'sizing', 'upgrades'];
  expect(pages.map(({ name }) => name).sort()).toEqual(names.map((name) => `${name}.md`));
});

describe.each(pages)('docs/deploy/$name', ({ text }) => {
  it('links to and names files that exist', () => {
    const links = found(text, /\]\(([^)#:]+)\)/g).map((path) => join(FOLDER, path));
    const paths = found(text, /(?<![\w/.-])((?:k8s|docker|docs|libs|apps|e2e|load|observability)\/[\w./-]*\w)/g).map((path) =>
      join(ROOT, path),
    );
    // What vitest is given is the beginning of paths.
    const isThere = (path: string): boolean =>
      existsSync(path) ||
      (existsSync(dirname(path)) && readdirSync(dirname(path)).some((name) => join(dirname(path), name).startsWith(path)));
    expect([...links, ...paths].filter((path) => !isThere(path))).toEqual([]);
  });

  it('calls scripts that there are', () => {
    expect(found(text, /npm run ([\w:]+)/g).filter((script) => !(script in scripts))).toEqual([]);
  });

  it('names settings that apps have', () => {
    const ours = found(
      text,
      /`((?:GATEWAY|DRAIN|DATABASE|API|REDIS|OVERLAY|PUBLIC|WEBHOOKS|SHUTDOWN|SIGN|ASSETS|EVENT|MESSAGE)_[A-Z_]+)\b/g,
    );
    expect(ours.filter((name) => !APPS.some((app) => name in SCHEMAS[app].shape))).toEqual([]);
  });

  it('asks kubectl for objects that the manifests make', () => {
    const named = found(text, /(?:^|[\s=])((?:deployment|job|cronjob)\/[a-z-]+)/gm);
    expect(named.filter((name) => !objects.has(name))).toEqual([]);
    const secrets = found(text, /`(droppio-(?:api|listener|gateway|migrate))`/g);
    const templates = readManifests(join(ROOT, 'k8s/secrets.template.yaml')).map(({ metadata }) => metadata.name);
    expect(secrets.filter((name) => !templates.includes(name))).toEqual([]);
  });

  it('asks for series that rules ask for, too', () => {
    const folder = join(ROOT, 'observability/prometheus/rules');
    const rules = readdirSync(folder)
      .map((file) => readFileSync(join(folder, file), 'utf8'))
      .join('\n');
    expect(
      found(text, /\b(droppio[_:][a-z_:]+[a-z])/g).filter(
        (name) => /^droppio[_:](gateway|relay|chain)/.test(name) && !rules.includes(name),
      ),
    ).toEqual([]);
  });

  it('gives docker build targets and compose files that there are', () => {
    const targets = new Set(found(readFileSync(join(ROOT, 'docker/Dockerfile'), 'utf8'), /^FROM .* AS (\w[\w-]*)$/gm));
    expect(found(text, /docker build .*?--target (\S+)/g).filter((target) => !targets.has(target))).toEqual([]);
  });
});

describe('docs/deploy/backup.md', () => {
  it('starts as many again as prod has', () => {
    const text = pages.find(({ name }) => name === 'backup.md')?.text ?? '';
    const scaled = [...text.matchAll(/kubectl scale deployment\/(\w+) -n droppio --replicas=(\d+)/g)].map(([, name = '', count]) => [
      name,
      Number(count),
    ]);
    const { replicas, patches } = Kustomization.parse(parse(readFileSync(join(ROOT, 'k8s/overlays/prod/kustomization.yaml'), 'utf8')));
    // Of what an autoscaler governs: the least that it is told to leave there.
    const scalers = patches.flatMap(({ patch }) => Least.safeParse(parse(patch)).data ?? []);
    const prod = [...replicas, ...scalers.map(({ metadata, spec }) => ({ name: metadata.name, count: spec.minReplicas }))];
    const base = (name: string): number =>
      Deployed.parse(readManifests(join(ROOT, `k8s/base/${name}.yaml`)).find(({ kind }) => kind === 'Deployment')).spec.replicas;
    expect(scaled.map(([name]) => name)).toEqual(['api', 'listener']);
    for (const [name = '', count] of scaled)
      expect(count, String(name)).toBe(prod.find((set) => set.name === name)?.count ?? base(String(name)));
  });
});

describe('docs/deploy/sizing.md', () => {
  const text = pages.find(({ name }) => name === 'sizing.md')?.text ?? '';
  const costs = gatewayCosts();
  const KB = 1000;
  const GIB = 1024 ** 3;
  /** By MEMORY USAGE of 256 tips of 280 letters each, and of 16 (libs/broker keeps 256). */
  const [FEED_KB, QUIET_FEED_KB] = [267, 18];
  const month = (cores: number, gib: number): string =>
    ((cores * 0.04 + gib * 0.005) * 730).toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

  it('plans with the highest of what was measured', () => {
    expect(text).toContain(`| ${(costs.residentBytes.least / KB).toFixed(1)} to ${(costs.residentBytes.most / KB).toFixed(1)} KB `);
    expect(text).toContain(`| ${(costs.kernelBytes.least / KB).toFixed(1)} to ${(costs.kernelBytes.most / KB).toFixed(1)} KB `);
    expect(text).toContain(`to ${((costs.residentBytes.most + costs.kernelBytes.most) / KB).toFixed(1)} KB `);
    expect(text).toContain(`| ${costs.deliveryMicroseconds.least.toFixed(1)} to ${costs.deliveryMicroseconds.most.toFixed(1)} µs `);
  });

  it('reckons right', () => {
    const socket = (costs.residentBytes.most + costs.kernelBytes.most) / 1024 / 1024;
    const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
    const rows: readonly (readonly [string, string])[] = [
      ['10,000 ÷ 3,000, rounded up', String(Math.ceil(10_000 / 3000))],
      ['5 × 150 MiB + 10,000 × 13.4 KB', `${whole(5 * 150 + 10_000 * socket)} MiB`],
      ['5 × (250 m, 256 MiB)', `${String(5 * 0.25)} cores, ${String((5 * 256) / 1024)} GiB`],
      ['2 × (300 m, 576 MiB)', `${String(2 * 0.3)} cores, ${((2 * 576) / 1024).toFixed(1)} GiB`],
      ['2 × (250 m, 1 GiB)', '0.5 cores, 2 GiB'],
      ['2 × (500 m, 2 GiB)', '1 core, 4 GiB'],
      ['(1.25 × 0.04 + 1.25 × 0.005) × 730 h', `${month(1.25, 1.25)} $`],
      ['(0.6 × 0.04 + 1.125 × 0.005) × 730 h', `${month(0.6, 1.125)} $`],
      ['(0.5 × 0.04 + 2 × 0.005) × 730 h', `${month(0.5, 2)} $`],
      ['(1 × 0.04 + 4 × 0.005) × 730 h', `${month(1, 4)} $`],
      ['41.06 + 21.63 + 21.90 + 43.80', `${(41.06 + 21.63 + 21.9 + 43.8).toFixed(2)} $`],
      ['2,000 × 267 KB', `${((2000 * FEED_KB * KB) / GIB).toFixed(1)} GiB`],
      ['200,000 × 267 KB', `${((200_000 * FEED_KB * KB) / GIB).toFixed(1)} GiB`],
      ['200,000 × 18 KB', `${((200_000 * QUIET_FEED_KB * KB) / GIB).toFixed(1)} GiB`],
      ['49.7 GiB ÷ (16 GiB × 0.66), rounded up', String(Math.ceil(49.7 / (16 * 0.66)))],
      ['(42 × 0.04 + 42 × 0.005) × 730 h', `${month(42, 42)} $`],
      ['(10 × 0.04 + 160 × 0.005) × 730 h', `${month(10, 160)} $`],
      ['10,000 ÷ 60 s ', `${whole(10_000 / 60)} a second`],
      ['2,000 × 5 ÷ 30 s + 2,000 ÷ 60 s', `${whole((2000 * 5) / 30 + 2000 / 60)} commands/s`],
      ['1,000,000 ÷ 12,000, rounded up', String(Math.ceil(1_000_000 / 12_000))],
      ['150 MiB + 20,000 × 13.4 KB', `${whole(150 + 20_000 * socket)} MiB`],
      ['84 × 150 MiB + 1,000,000 × 13.4 KB', `${((84 * 150 + 1_000_000 * socket) / 1024).toFixed(1)} GiB`],
      ['1,000,000 ÷ (84 × 500 a second)', `${whole(1_000_000 / (84 * 500))} s`],
      ['200,000 ÷ 60 s', `${whole(200_000 / 60)} events/s`],
      ['3,333 × 5 overlays', `${whole((200_000 / 60) * 5)} a second`],
      ['200,000 × 5 ÷ 30 s', `${whole((200_000 * 5) / 30)} commands/s`],
      ['200,000 × 5 ÷ 120 s', `${whole((200_000 * 5) / 120)} commands/s`],
      ['1,000,000 ÷ (65,535 × 0.6), rounded up', String(Math.ceil(1_000_000 / (65_535 * 0.6)))],
    ];
    for (const [arithmetic, result] of rows) {
      const row = text.split('\n').find((line) => line.includes(`| ${arithmetic}`));
      expect(row?.split('|')[3]?.trim(), arithmetic).toMatch(new RegExp(`^${result.replaceAll(/[.$]/g, '\\$&')}(:|$)`));
    }
    expect(text).toContain(`${whole(250_000 / costs.deliveryMicroseconds.most)}\ndeliveries a second`);
    expect(text).toContain(`${whole(150 + 5000 * socket)} MiB, below the`);
    expect(text).toContain(`would spare ${month(0.5, 0.5)} $ a month`);
  });
});
