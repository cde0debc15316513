import { describe, expect, it } from 'vitest';
import { Health } from './health.js';

describe(Health.name, () => {
  it('is ready and alive when nobody objects', async () => {
    const health = new Health();
    health.readyWhen('redis', () => undefined);
    expect(await health.ready()).toEqual({ ok: true, faults: {} });
    expect(await health.alive()).toEqual({ ok: true, faults: {} });
  });

  it('names every fault, a throwing check included', async () => {
    const health = new Health();
    health.readyWhen('redis', () => 'Redis does not answer.');
    health.readyWhen('postgres', () => Promise.reject(new Error('connection refused')));
    expect(await health.ready()).toEqual({ ok: false, faults: { redis: 'Redis does not answer.', postgres: 'connection refused' } });
  });

  it('keeps readiness out of liveness: an outage elsewhere must not restart us', async () => {
    const health = new Health();
    health.readyWhen('redis', () => 'Redis does not answer.');
    expect((await health.alive()).ok).toBe(true);
  });

  it('is not ready while it drains', async () => {
    const health = new Health();
    health.drain();
    expect((await health.ready()).faults).toHaveProperty('shutdown');
    expect((await health.alive()).ok).toBe(true);
  });
});
