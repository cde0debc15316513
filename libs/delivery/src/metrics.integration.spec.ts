import { setTimeout as sleep } from 'node:timers/promises';
import { RedisBrokerModule } from '@droppio/broker';
import { TIP_TTL_MS } from '@droppio/tips';
import { aDisplay } from '@droppio/tips/testing';
import { register } from 'prom-client';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { GatewayHouse } from './testing/gateway-house.js';

let house: GatewayHouse;
beforeEach(async () => {
  register.resetMetrics();
  house = await GatewayHouse.start({
    broker: RedisBrokerModule.for({ url: inject('redisUrl') }),
    settings: { GATEWAY_PING_MS: '400', GATEWAY_RESTORE_TIMEOUT_MS: '2000' },
  });
});
afterEach(() => house.stop());

/** The sum over all label sets that hold these labels. */
async function value(name: string, labels: Record<string, string> = {}): Promise<number> {
  const lines = (await house.metrics())
    .split('\n')
    .filter((line) => line.startsWith(`droppio_gateway_${name}{`) || line.startsWith(`droppio_gateway_${name} `));
  if (lines.length === 0) throw new Error(`there is no ${name}`);
  const wanted = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
  return lines.filter((line) => wanted.every((pair) => line.includes(pair))).reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

describe('the metrics of a gateway', () => {
  it('tell of sockets, traffic, latencies, losses, Redis and the process itself', async () => {
    const { truth, grant, token } = await house.creator();
    const stale = truth.tip({ at: { block: Date.now() - TIP_TTL_MS - 1000, seen: Date.now() - TIP_TTL_MS } });
    await truth.send(stale);
    const gone = await truth.send();
    await truth.send(truth.tip({ id: gone.id, type: 'tip.retracted', state: 'orphaned' }));
    const client = await house.overlay(token, { epoch: truth.epoch, seq: 1 });
    const other = await house.overlay(token);
    await truth.send({ ...truth.tip(), at: { block: Date.now() - 500, seen: Date.now() - 100, pub: Date.now() - 50 } });
    await Promise.all([client.caughtUp(5), other.caughtUp(5)]);
    client.send({ op: 'shown', seq: 5, ms: 900 });
    await client.until(() => client.frames.some((frame) => frame.op === 'ping'), 'a ping');
    await other.close();
    await (await house.visitor('?token=forged')).ended();
    await sleep(2200);

    expect(await value('sockets', { state: 'live', transport: 'websocket' })).toBe(1);
    expect(await value('upgrades_total', { result: 'accepted', transport: 'websocket' })).toBe(3);
    expect(await value('closes_total', { code: '1000', transport: 'websocket' })).toBe(1);
    expect(await value('closes_total', { code: '4500' })).toBe(1);
    expect(await value('socket_duration_seconds_count', { transport: 'websocket' })).toBe(2);
    expect(await value('ping_rtt_seconds_count')).toBeGreaterThanOrEqual(1);
    expect(await value('admission_seconds_count')).toBe(2);
    expect(await value('received_frames_total', { op: 'auth' })).toBe(2);
    expect(await value('received_frames_total', { op: 'pong' })).toBeGreaterThanOrEqual(1);
    expect(await value('received_bytes_total')).toBeGreaterThan(token.length);
    // Two replayed frames (a summary and a skip) and the tip for one, the tip for the other.
    expect(await value('deliveries_total')).toBe(4);
    expect(await value('sent_bytes_total')).toBeGreaterThan(1000);
    expect(await value('shown_total')).toBe(1);
    expect(await value('channels')).toBe(1);
    expect(await value('resume_total', { recovered: 'true' })).toBe(2);
    expect(await value('replay_suppressed_total', { reason: 'stale' })).toBe(1);
    expect(await value('replay_suppressed_total', { reason: 'retracted' })).toBe(1);
    const chain = String(aDisplay().amount.chainId);
    for (const stage of ['block', 'seen', 'pub']) expect(await value('tip_latency_seconds_count', { stage, chain })).toBe(1);
    expect(await value('tip_latency_seconds_sum', { stage: 'block' })).toBeGreaterThan(0.45);
    expect(await value('tip_latency_seconds_count', { stage: 'shown' })).toBe(1);
    expect(await value('pubsub_lag_seconds_count')).toBe(1);
    expect(await value('redis_messages_total', { kind: 'event' })).toBe(1);
    for (const command of ['subscribe', 'position', 'grant', 'after']) {
      expect(await value('redis_command_seconds_count', { command, outcome: 'ok' })).toBeGreaterThanOrEqual(1);
    }
    expect(await value('cpu_ratio')).toBeGreaterThan(0);
    for (const kind of ['rss', 'heap_used', 'heap_total', 'external'])
      expect(await value('memory_bytes', { kind })).toBeGreaterThan(100_000);
    expect(await value('memory_ratio')).toBeGreaterThan(0);
    expect(await value('event_loop_lag_seconds', { percentile: '100' })).toBeGreaterThanOrEqual(
      await value('event_loop_lag_seconds', { percentile: '50' }),
    );
    expect(await value('instance_info', { instance: 'pod-a', service: 'gateway' })).toBe(1);
    for (const name of ['socket_limit', 'draining', 'drain_seconds', 'drain_stragglers_total', 'feed_degraded', 'buffered_bytes'])
      await value(name);
    for (const name of ['drain_overdue_sockets', 'drain_overrun_seconds']) expect(await value(name)).toBe(0);
    for (const name of ['slow_closes_total', 'redis_probe_failures_total', 'gap_unhealed_total', 'fanout_seconds_count']) await value(name);

    const all = (await house.metrics()).split('\n').filter((line) => line.startsWith('droppio_gateway_'));
    for (const secret of [truth.creatorId, grant.overlayId, token]) expect(all.join('\n')).not.toContain(secret);
    // Bounded labels: nothing that grows with creators, overlays or clients.
    expect(all.length).toBeLessThan(400);
  });

  it('count what had to be healed and what was lost for good', async () => {
    const { truth, token } = await house.creator();
    const client = await house.overlay(token);
    for (let i = 0; i < 3; i += 1) truth.commit(truth.tip());
    await truth.restore();
    await client.caughtUp(4);
    expect(await value('gap_healed_total', { source: 'feed' })).toBe(3);
    expect(await value('redis_messages_total', { kind: 'restored' })).toBe(1);
    for (let i = 0; i < 400; i += 1) truth.commit(truth.tip());
    await truth.restore();
    await client.until(() => client.frames.some((frame) => frame.op === 'gap'), 'a gap');
    const lost = await value('gap_unhealed_total');
    expect(lost).toBe(144);
    expect(await value('failed_deliveries_total', { reason: 'lost' })).toBe(lost);
  });
});
