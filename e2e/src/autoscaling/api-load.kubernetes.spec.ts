import { describe, expect, it } from 'vitest';
import { renderOverlay } from '../manifests/render.js';
import { Cluster, containerOf } from '../manifests/shapes.js';
import { playApiDay, type ApiDay, type ApiPod } from './api-load.js';

const prod = new Cluster(renderOverlay('prod'));
const scaler = prod.cpuScalers.find(({ deployment }) => deployment === 'api');
if (scaler === undefined) throw new Error('The API has no autoscaler.');
const requestMillicores = Number(/^(\d+)m$/.exec(containerOf(prod.deployment('api')).resources.requests['cpu'] ?? '')?.[1]);
const API: ApiPod = { requestMillicores, mostMillicores: 1000, startSeconds: 20 };
const [MINUTE, HOUR] = [60, 3600];
/** What the least number of pods does when each is at its target. */
const CALM = (scaler.min * requestMillicores * scaler.utilization) / 100;

const day = (seconds: number, demand: (second: number) => number): ApiDay => playApiDay(scaler, API, seconds, demand);
/** Changes of mind within the five minutes that going down waits. */
const flaps = ({ changes }: ApiDay): number =>
  changes.filter(({ at, pods }, i) => {
    const [before, first] = [changes[i - 1], changes[i - 2]?.pods ?? scaler.min];
    return before !== undefined && at - before.at < 5 * MINUTE && pods > before.pods !== before.pods > first;
  }).length;

describe('the autoscaler of the API', () => {
  it('keeps the least number of pods through a quiet day', () => {
    expect(day(HOUR, () => 0.3 * CALM)).toMatchObject({ changes: [], leastPods: scaler.min });
  });

  it('follows an evening up and down again, and nobody waits', () => {
    const evening = day(4 * HOUR, (second) => CALM * (1 + 2 * Math.sin((Math.min(second, 3 * HOUR) / (3 * HOUR)) * Math.PI)));
    expect(evening).toMatchObject({ overloaded: 0, podsAtEnd: scaler.min });
    expect(evening.mostPods).toBeGreaterThanOrEqual(3 * scaler.min - 1);
    expect(evening.mostPods).toBeLessThanOrEqual(scaler.max);
    expect(flaps(evening)).toBe(0);
  });

  it('has twice as many pods two minutes after everybody asks at once, and three times as many after three', () => {
    const rush = day(10 * MINUTE, (second) => (second < MINUTE ? CALM : 3 * CALM));
    expect(rush.overloaded).toBe(0);
    const when = (times: number): number => (rush.changes.find(({ pods }) => pods >= times * scaler.min)?.at ?? Infinity) - MINUTE;
    expect(when(2)).toBeLessThanOrEqual(2 * MINUTE);
    expect(when(3)).toBeLessThanOrEqual(3 * MINUTE);
    expect(flaps(rush)).toBe(0);
  });

  it('does not answer to one export of a few seconds, nor to waves', () => {
    for (let from = 120; from < 135; from += 1) {
      const isExport = (second: number): boolean => second >= from && second < from + 8;
      expect(day(10 * MINUTE, (second) => CALM * 0.9 + (isExport(second) ? 1000 : 0)).changes, String(from)).toEqual([]);
    }
    const waves = day(2 * HOUR, (second) => 2 * CALM * (1 + 0.25 * Math.sin((second / (4 * MINUTE)) * 2 * Math.PI)));
    expect(flaps(waves)).toBe(0);
    expect(waves.mostPods).toBeLessThanOrEqual(3 * scaler.min);
  });

  it('never asks for more pods than Postgres has connections for', () => {
    expect(day(HOUR, () => 100 * CALM).mostPods).toBe(scaler.max);
  });
});
