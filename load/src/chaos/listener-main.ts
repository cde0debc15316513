import { jumpClock } from './wall-clock.js';
import 'reflect-metadata';
import { ChainModule } from '@droppio/chain';
import { listenerApp } from '@droppio/listener/app';
import { listenerSettings, type ListenerSettings } from '@droppio/listener/env';
import { loadEnv, runMain, startApp, type AppPlan } from '@droppio/platform';
import { RelayModule } from '@droppio/relay';
import * as z from 'zod';

/*
 * The listener as its app puts it together, in a process that has loaded everything and waits for the word: a kill is followed by a start
 * that takes no second. Only its leases and sweeps are shorter than in production.
 */
export const LEASE_TIMES = { ttlMs: 1200, renewEveryMs: 350, tryEveryMs: 250 };
const SWEEP = { sweepEveryMs: 500, sweepAfterMs: 300 };

const Word = z.object({ env: z.record(z.string(), z.string()) });
const Jump = z.object({ jumpMs: z.number() });

function planOf(env: ListenerSettings): AppPlan {
  const plan = listenerApp(env);
  const rooms = plan.rooms.map((room) => {
    if (!('module' in room)) return room;
    if (room.module === ChainModule) return ChainModule.for(env.CHAINS, { leaseTimes: LEASE_TIMES });
    return room.module === RelayModule ? RelayModule.for({ work: true, ...SWEEP }) : room;
  });
  return { ...plan, rooms };
}

process.once('message', (told) => {
  const { env } = Word.parse(told);
  process.on('message', (later) => {
    jumpClock(Jump.parse(later).jumpMs);
  });
  void runMain(async () => {
    const running = await startApp(planOf(loadEnv(listenerSettings, env)));
    process.send?.('started');
    return running;
  });
});
// Whoever started it is gone: nothing may outlive that.
process.once('disconnect', () => process.exit(0));
process.send?.('loaded');
