import { setTimeout as sleep } from 'node:timers/promises';
import type { Room } from '../crowd/orders.js';

/** Where tips come from. */
export interface TipMill {
  readonly rooms: readonly Room[];
  /** Tips of each room that were told so far. */
  readonly told: readonly number[];
  /** What a gateway must know to hear of them. */
  readonly gatewaySettings: Readonly<Record<string, string>>;
  /** At a constant rate over all rooms in turn, however long a tip takes; resolves with the last one told. Rejects when one could not be. */
  grind(perSecond: number, seconds: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Calls `tell` when each tip is due, without waiting for the earlier ones, until the time is over or it is called off. Rejects with the first one that
 * could not be told. Times are Unix milliseconds.
 */
export async function constantly(
  perSecond: number,
  seconds: number,
  tell: (dueMs: number, n: number) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const began = performance.timeOrigin + performance.now();
  const wanted = Math.round(perSecond * seconds);
  const underWay = new Set<Promise<void>>();
  const faults: Error[] = [];
  for (let n = 0; n < wanted && faults.length === 0 && signal?.aborted !== true; n += 1) {
    const dueMs = began + (n / perSecond) * 1000;
    const aheadMs = dueMs - (performance.timeOrigin + performance.now());
    if (aheadMs > 1) await sleep(aheadMs);
    const told = tell(dueMs, n)
      .catch((error: unknown) => {
        faults.push(error instanceof Error ? error : new Error('a tip could not be told'));
      })
      .finally(() => underWay.delete(told));
    underWay.add(told);
  }
  await Promise.all(underWay);
  const [fault] = faults;
  if (fault !== undefined) throw fault;
}
