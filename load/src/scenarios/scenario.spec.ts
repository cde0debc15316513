import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { boundText, keeps, readScenarios, SCENARIOS_FILE } from './scenario.js';
import { tooFewFiles } from './open-files.js';
import { JUDGED_SECONDS } from './soak.js';

describe('load/scenarios.json', () => {
  const named = (length: 'as-written' | 'ci' | 'full') => new Map(readScenarios(length).map((scenario) => [scenario.name, scenario]));

  it('holds the numbers that were asked for', () => {
    const all = named('ci');
    expect(all.get('connect-1000')).toMatchObject({ overlays: 1000 });
    expect(all.get('connect-1000')?.thresholds).toEqual(
      expect.arrayContaining([
        { figure: 'connectedPercent', bound: { above: 99 } },
        { figure: 'connectP95Ms', bound: { below: 100 } },
      ]),
    );
    expect(all.get('events-100')).toMatchObject({ tipsPerSecond: 100 });
    expect(all.get('events-100')?.thresholds).toEqual(
      expect.arrayContaining([
        { figure: 'deliveredPercent', bound: { above: 99 } },
        { figure: 'deliveryP95Ms', bound: { below: 500 } },
      ]),
    );
    expect(all.get('rooms-2000x1000')).toMatchObject({ overlays: 2000, rooms: 1000 });
    expect(all.get('scale-80')?.thresholds).toEqual(expect.arrayContaining([{ figure: 'fleetPeakPercent', bound: { below: 80 } }]));
  });

  it('is shortened in time only, never in size or bounds', () => {
    for (const length of ['ci', 'full'] as const) {
      for (const [name, short] of named(length)) {
        const long = named('as-written').get(name);
        expect({ ...short, rampSeconds: 0, holdSeconds: 0 }).toEqual({ ...long, rampSeconds: 0, holdSeconds: 0 });
        expect(short.holdSeconds).toBeLessThanOrEqual(long?.holdSeconds ?? 0);
      }
    }
  });

  it('is full where it is called so: the heap is judged, and sockets outlive every patience of gateways and proxies', () => {
    expect(named('full').get('soak')?.holdSeconds).toBeGreaterThanOrEqual(JUDGED_SECONDS);
    // Two pings, a gateway's patience with the silent (60 s) and nginx's with idle connections (75 s).
    expect(named('full').get('connect-1000')?.holdSeconds).toBeGreaterThan(150);
  });

  it('takes no figure that nobody measures, and no word that it does not know', () => {
    const folder = mkdtempSync(join(tmpdir(), 'droppio-scenarios-'));
    const broken = (change: (text: string) => string): string => {
      const file = join(folder, 'scenarios.json');
      writeFileSync(file, change(readFileSync(SCENARIOS_FILE, 'utf8')));
      return file;
    };
    expect(() =>
      readScenarios(
        'ci',
        broken((text) => text.replace('"connectP95Ms"', '"conectP95Ms"')),
      ),
    ).toThrow(/conectP95Ms is no figure/);
    expect(() =>
      readScenarios(
        'ci',
        broken((text) => text.replace('"says"', '"said"')),
      ),
    ).toThrow(/said/);
  });
});

describe(keeps.name, () => {
  it.each([
    [100, { above: 99 }, true],
    [99, { above: 99 }, false],
    [100, { below: 100 }, false],
    [2, { atMost: 2 }, true],
    [0, { atLeast: 1 }, false],
    [1, { is: 0 }, false],
    [Number.NaN, { below: 100 }, false],
  ])('%d against %j: %s', (value, bound, isKept) => {
    expect(keeps(value, bound)).toBe(isKept);
  });

  it('is written as a person writes it', () => {
    expect(boundText({ below: 30_000 })).toBe('< 30,000');
    expect(boundText({ atLeast: 1 })).toBe('≥ 1');
  });
});

describe(tooFewFiles.name, () => {
  const limits = (hard: string) =>
    `Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 ${hard}                files\n`;
  const scenarios = readScenarios('ci');

  it('says in a sentence what a scenario needs', () => {
    expect(tooFewFiles(scenarios, limits('1024'))).toMatch(
      /may open 1024 files here, and hot-room needs 2700: raise the limit with "ulimit -Hn 2700"/,
    );
    expect(tooFewFiles(scenarios, limits('20000'))).toBeUndefined();
    expect(tooFewFiles(scenarios, limits('unlimited'))).toBeUndefined();
  });
});
