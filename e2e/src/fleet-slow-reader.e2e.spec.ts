import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { eventually } from '@droppio/broker/testing';
import { aDisplay } from '@droppio/tips/testing';
import { WebSocket } from 'ws';
import { GatewayFleet } from './fleet/gateway-fleet.js';
import { CrowdOverlay, OverlayCrowd } from './fleet/overlay-crowd.js';
import { TipSource, type Streamer } from './fleet/tip-source.js';

const STREAMERS = 200;
const SOCKET_BUDGET = 256 * 1024;
const NODE_BUDGET = 64 * 1024 * 1024;
/** Longer than any tip may be: the kernel takes megabytes before anything is left to the gateway. */
const MESSAGE = 'x'.repeat(60_000);
/** Until it has all that this work needs. */
const WARM_UP = 256;
/** Half as much again as all sockets together may leave unread. */
const TIPS = Math.ceil((1.5 * NODE_BUDGET) / MESSAGE.length);
/** Fewer than a feed keeps. */
const ROUND = 32;
const ROUNDS_MAX = 6;

let source: TipSource;
let fleet: GatewayFleet;
let crowd: OverlayCrowd;
let pid: number;

beforeEach(async () => {
  source = await TipSource.open(inject('redisUrl'), STREAMERS);
  fleet = new GatewayFleet({
    REDIS_URL: inject('redisUrl'),
    OVERLAY_TOKEN_KEYS: source.tokenKeys,
    GATEWAY_MAX_SOCKETS_PER_TOKEN: '0',
    GATEWAY_MAX_SOCKETS_PER_IP: '0',
    GATEWAY_MAX_UNAUTHENTICATED_PER_IP: '0',
    GATEWAY_UPGRADES_PER_MINUTE_PER_IP: '0',
    GATEWAY_SOCKET_BUFFER_BYTES: String(SOCKET_BUDGET),
    GATEWAY_NODE_BUFFER_BYTES: String(NODE_BUDGET),
  });
  ({ pid } = (await fleet.add()).child);
  crowd = new OverlayCrowd(source.streamers, 998, fleet.pickPort);
  await crowd.arrive(400);
});
afterEach(async () => {
  crowd.leave();
  await source.close();
  await fleet.stop();
});

/** Comes in, and takes nothing from the network any more. */
class DeafReader {
  readonly seqs: number[] = [];
  private readonly socket: WebSocket;

  constructor(port: number, { token, epoch, seq }: Streamer) {
    this.socket = new WebSocket(`ws://127.0.0.1:${String(port)}/overlay?token=${token}&epoch=${epoch}&seq=${String(seq)}`);
  }

  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.once('error', reject);
      this.socket.on('message', (data: Buffer) => {
        const [, op, seq] = /^\{"op":"(\w+)"(?:,"seq":(\d+))?/.exec(data.toString('latin1')) ?? [];
        if (seq !== undefined) this.seqs.push(Number(seq));
        if (op !== 'ready') return;
        this.socket.pause();
        resolve();
      });
    });
  }

  /** Takes what the network still has for it; the code with which that ends. */
  listen(): Promise<number> {
    const ended = new Promise<number>((resolve) => this.socket.once('close', resolve));
    this.socket.resume();
    return ended;
  }
}

/** Memory that the gateway has, but for V8's heap, where garbage lies as long as there is room: what sockets have not taken is beside it. */
async function resident(): Promise<number> {
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1]);
  return kilobytes * 1024 - (await fleet.total('nodejs_heap_size_total_bytes'));
}

/** Long ones for the first room, ordinary ones for the others in turn. Returns the most memory that the gateway had meanwhile. */
async function flow(room: Streamer, tips: number): Promise<number> {
  let peak = 0;
  for (let n = 1; n <= tips; n += 1) {
    await source.tip(room, { d: aDisplay({ message: MESSAGE }) });
    const other = source.streamers[1 + (n % (STREAMERS - 1))];
    if (other !== undefined) await source.tip(other);
    if (n % ROUND > 0) continue;
    await crowd.settled(10_000);
    peak = Math.max(peak, await resident());
  }
  return peak;
}

describe('a gateway with a thousand overlays of which two do not read', () => {
  it('lets them go, and neither the others nor its memory notice; the one that reads again completes', async () => {
    const [room] = source.streamers;
    if (room === undefined) throw new Error('there is no streamer');
    const before = await flow(room, WARM_UP);
    const [slow, deaf] = [new DeafReader(fleet.pickPort(), room), new DeafReader(fleet.pickPort(), room)];
    await Promise.all([slow.ready(), deaf.ready()]);
    const closedForSlowness = (): Promise<number> => fleet.total('droppio_gateway_slow_closes_total');
    for (let round = 0; round < ROUNDS_MAX && (await closedForSlowness()) < 2; round += 1) await flow(room, ROUND);
    expect(await closedForSlowness()).toBe(2);
    expect(await slow.listen()).toBe(4005);
    const last = slow.seqs.at(-1) ?? Number.NaN;
    const late = new CrowdOverlay(room, fleet.pickPort, crowd.closings, last);
    late.start();
    const peak = await flow(room, TIPS);
    await crowd.settled(10_000);
    await eventually(async () => {
      expect(await fleet.total('droppio_gateway_closes_total', 'code="4005"')).toBe(2);
      expect(late.seqs.at(-1)).toBe(room.seq);
    });
    late.stop();

    expect([...slow.seqs, ...late.seqs]).toEqual(Array.from({ length: room.seq - WARM_UP }, (_, n) => WARM_UP + 1 + n));
    expect(deaf.seqs).toEqual([]);
    expect(crowd.faults()).toEqual([]);
    expect(crowd.closings).toEqual([]);
    expect(Math.max(...crowd.overlays.map(({ slowestMs }) => slowestMs))).toBeLessThan(1000);
    expect(peak - before).toBeLessThan(NODE_BUDGET);
  });
});
