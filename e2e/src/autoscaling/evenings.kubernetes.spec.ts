import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { renderOverlay, renderWith } from '../manifests/render.js';
import { scalersIn, type Scaler, type ScalingRules } from '../manifests/scaling.js';
import { clusterEnv, settingsOf } from '../manifests/settings.js';
import { Cluster } from '../manifests/shapes.js';
import { playEvening, type Evening } from './evening.js';
import { growthCurves } from './growth-curves.js';
import { readSurroundings, type Surroundings } from './surroundings.js';

const prod = new Cluster(renderOverlay('prod'));
const limit = z.number().parse(settingsOf('gateway', clusterEnv(prod, prod.deployment('gateway')))['GATEWAY_MAX_SOCKETS']);
const surroundings = readSurroundings(prod.objects, limit);
const [keda] = prod.scalers;
const [hpa] = scalersIn(renderWith('autoscaling-hpa'));
if (keda?.by !== 'ScaledObject' || hpa?.by !== 'HorizontalPodAutoscaler') throw new Error('A scaler is missing.');
const curves = growthCurves(limit, hpa.target, hpa.min);

function evenings(scaler: Scaler, around = surroundings): ReadonlyMap<string, Evening> {
  return new Map(curves.map((curve) => [curve.name, playEvening(scaler, curve, around)]));
}

function played(scaler: Scaler, name: string, around = surroundings): Evening {
  const curve = curves.find((one) => one.name === name);
  if (curve === undefined) throw new Error(`there is no evening called ${name}`);
  return playEvening(scaler, curve, around);
}

const COLUMNS = ['peak', 'fullest pod', '> 80 % for', 'refused', 'for', 'most', 'pod-h', 'end', 'up', 'down', 'flaps'];
function row(evening: Evening): string[] {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const { peakShare, peakPod, tight, refused, waiting, mostPods, podHours, podsAtEnd, ups, downs, flaps } = evening;
  return [
    percent(peakShare),
    percent(peakPod),
    `${String(tight)} s`,
    String(refused),
    `${String(waiting)} s`,
    String(mostPods),
    podHours.toFixed(2),
    ...[podsAtEnd, ups, downs, flaps].map(String),
  ];
}

/** What prettier leaves alone. */
function table(title: string, of: ReadonlyMap<string, Evening>): string {
  const lines = [...of].map(([name, evening]) => [name, ...row(evening)]);
  const rows = [[title, ...COLUMNS], ...lines];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((line) => line[column]?.length ?? 0))) ?? [];
  return rows
    .map((line) => line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '))
    .join('\n');
}

const golden = (pods: Scaler, sum: Scaler, around = surroundings): string =>
  `${table('HPA on each pod and on the forecast', evenings(pods, around))}\n\n${table('KEDA on the forecast', evenings(sum, around))}\n`;

const FLASH = ['flash crowd: three times in ten seconds', 'flash crowd: ten times in a minute'];
/** What no autoscaler with this target can do: the fleet is above 80 % before a pod that is asked for at the first look is there. */
const TOO_FAST = ['50 %/min, out of the blue', 'flash crowd: twice in a minute', ...FLASH];

describe.each([hpa, keda])('the fleet under the rendered $by', (scaler) => {
  const all = evenings(scaler);
  const evening = (name: string): Evening => {
    const found = all.get(name);
    if (found === undefined) throw new Error(`there is no evening called ${name}`);
    return found;
  };

  it.each(curves.flatMap(({ name }) => (TOO_FAST.includes(name) ? [] : [name])))('stays below 80 % of its capacity: %s', (name) => {
    expect(evening(name).peakShare).toBeLessThan(0.8);
    expect(evening(name).peakPod).toBeLessThan(0.8);
    expect(evening(name).refused).toBe(0);
  });

  it('never changes its mind within a quarter of an hour', () => {
    expect([...all].filter(([, { flaps }]) => flaps > 0).map(([name]) => name)).toEqual([]);
  });

  it('rides waves out, and goes down through a night without a single step up', () => {
    expect(evening('waves of a quarter of an hour')).toMatchObject({ downs: 0, refused: 0 });
    expect(evening('slow night: down to a tenth in eight hours')).toMatchObject({ ups: 0, refused: 0, podsAtEnd: scaler.min });
    expect(evening('slow night: down to a tenth in eight hours').peakShare).toBeLessThan(0.8);
  });

  it('refuses nobody but a crowd that is several times as large within a minute, and has room for all of that within the next', () => {
    const refusing = [...all].filter(([, { refused }]) => refused > 0).map(([name]) => name);
    expect(refusing).toEqual(FLASH);
    for (const name of FLASH) expect(evening(name).waiting).toBeLessThan(60);
  });

  it('sends nobody away while Prometheus is silent', () => {
    expect(evening('Prometheus is silent for ten minutes').podsAtEnd).toBeGreaterThanOrEqual(scaler.min);
    expect(evening('Prometheus is silent for ten minutes').refused).toBe(0);
  });
});

describe('the table of evenings', () => {
  it('is what it was', async () => {
    await expect(golden(hpa, keda)).toMatchFileSnapshot('evenings.txt');
  });

  const scaleUp = (change: Partial<ScalingRules>) => (scaler: Scaler) => ({
    ...scaler,
    behavior: { ...scaler.behavior, scaleUp: { ...scaler.behavior.scaleUp, ...change } },
  });
  const scaleDown = (change: Partial<ScalingRules>) => (scaler: Scaler) => ({
    ...scaler,
    behavior: { ...scaler.behavior, scaleDown: { ...scaler.behavior.scaleDown, ...change } },
  });
  const withForecast = ({ forecast }: Scaler, target: number) => (forecast === undefined ? {} : { forecast: { ...forecast, target } });
  const percent = { type: 'Percent', value: 100, periodSeconds: 15 } as const;
  const pods = { type: 'Pods', value: 8, periodSeconds: 15 } as const;
  const trickle = { type: 'Pods', value: 1, periodSeconds: 300 } as const;
  // Not among them: the period of the eight pods. From the ninth pod on doubling is more, so it binds once at most.
  const mutants: readonly (readonly [string, (scaler: Scaler) => Scaler])[] = [
    ['the target is 80 %', (scaler) => ({ ...scaler, target: 0.8 * limit, ...withForecast(scaler, 0.8 * limit) })],
    ['there may be one pod only', (scaler) => ({ ...scaler, min: 1 })],
    ['there may be three pods only', (scaler) => ({ ...scaler, min: 3 })],
    ['there may be 29 pods', (scaler) => ({ ...scaler, max: 29 })],
    ['growing waits a minute', scaleUp({ stabilizationWindowSeconds: 60 })],
    ['growing takes the smaller policy', scaleUp({ selectPolicy: 'Min' })],
    ['growing is off', scaleUp({ selectPolicy: 'Disabled' })],
    ['growing has no policy for large fleets', scaleUp({ policies: [pods] })],
    ['growing has no policy for small fleets', scaleUp({ policies: [percent] })],
    ['growing may take half as many per cent', scaleUp({ policies: [{ ...percent, value: 50 }, pods] })],
    ['growing may take half as many pods', scaleUp({ policies: [percent, { ...pods, value: 4 }] })],
    ['growing may take its per cent every two minutes', scaleUp({ policies: [{ ...percent, periodSeconds: 120 }, pods] })],
    ['shrinking waits five minutes', scaleDown({ stabilizationWindowSeconds: 300 })],
    ['shrinking does not wait', scaleDown({ stabilizationWindowSeconds: 0 })],
    ['shrinking is off', scaleDown({ selectPolicy: 'Disabled' })],
    ['shrinking takes two pods', scaleDown({ policies: [{ ...trickle, value: 2 }] })],
    ['shrinking takes a pod a minute', scaleDown({ policies: [{ ...trickle, periodSeconds: 60 }] })],
    [
      'shrinking takes the larger of two policies',
      scaleDown({ selectPolicy: 'Max', policies: [trickle, { ...percent, periodSeconds: 300 }] }),
    ],
  ];
  const before = golden(hpa, keda);

  it.each(mutants)('is another one when %s', (_what, mutate) => {
    expect(golden(mutate(hpa), mutate(keda))).not.toBe(before);
  });

  const coarser = (change: Partial<Surroundings['cadence']>): Surroundings => ({
    ...surroundings,
    cadence: { ...surroundings.cadence, ...change },
  });
  const foreseeing = (change: Partial<Surroundings['forecast']>): Surroundings => ({
    ...surroundings,
    forecast: { ...surroundings.forecast, ...change },
  });
  const [fast, slowPods] = ['50 %/min, an evening', '20 %/min, an evening; pods need 90 s'];

  it.each([
    ['the forecast looks half a minute ahead', foreseeing({ lead: 30 })],
    ['the forecast looks back five minutes', foreseeing({ window: 300 })],
    ['gateways are scraped every 15 s and summed up as often', coarser({ scrape: 15, rules: 15 })],
  ])('is another one when %s, and growth of 20 % a minute is too much for pods that need 90 s then', (_what, worse) => {
    expect(golden(hpa, keda, worse)).not.toBe(before);
    expect(played(keda, slowPods, worse).peakShare).toBeGreaterThan(0.8);
    expect(played(hpa, slowPods, worse).peakShare).toBeGreaterThan(0.8);
  });

  it('is another one when the autoscaler asks pods alone, and 50 %/min are too many then', () => {
    const { forecast, ...blind } = hpa;
    expect(forecast).toBeDefined();
    expect(played(hpa, fast).peakShare).toBeLessThan(0.8);
    expect(played(blind, fast).peakShare).toBeGreaterThan(0.8);
  });

  it('is another one when there may be four pods, and one of them is too many to lose then', () => {
    const [few] = growthCurves(limit, hpa.target, 4).filter(({ name }) => name === 'one pod of the smallest fleet dies');
    if (few === undefined) throw new Error('there is no such curve');
    expect(playEvening({ ...hpa, min: 4 }, few, surroundings).peakShare).toBeGreaterThanOrEqual(0.8);
  });
});

describe('what the shipped target does not bear', () => {
  const blue = '50 %/min, out of the blue';

  it('is growth of 50 % a minute that strikes a fleet at its target: nobody is refused, and less than half a minute is above 80 %', () => {
    for (const scaler of [hpa, keda]) expect(played(scaler, blue)).toMatchObject({ refused: 0, flaps: 0 });
    expect(played(keda, blue).tight).toBeLessThan(30);
    // By then the fleet is above 80 %, whatever is decided at the first look: scrape, rules and look apart, and a pod that has to start.
    const { scrape, rules, sync } = surroundings.cadence;
    expect(0.6 * 1.5 ** ((scrape + rules + sync + 30) / 60)).toBeGreaterThan(0.8);
  });

  it('would be borne with a target of half of what a pod holds, which costs a fifth more pods', () => {
    const half = { ...hpa, target: limit / 2, forecast: { asks: 'the same', target: limit / 2 } };
    const curve = growthCurves(limit, limit / 2, hpa.min).find(({ name }) => name === blue);
    if (curve === undefined) throw new Error('there is no such curve');
    expect(playEvening(half, curve, surroundings).peakShare).toBeLessThan(0.8);
    expect(hpa.target / half.target).toBeCloseTo(1.2);
  });

  it('is never refused for good: a doubling within a minute finds room to the last place', () => {
    for (const scaler of [hpa, keda]) {
      const evening = played(scaler, 'flash crowd: twice in a minute');
      expect(evening.refused).toBe(0);
      expect(evening.tight).toBeLessThan(60);
    }
  });
});
