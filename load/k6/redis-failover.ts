// The primary Redis is killed. Written by "npm run load:scripts" from ../scenarios.json; do not edit.
// Meanwhile, end the primary Redis, or ask Sentinel: SENTINEL FAILOVER …
import type { Options } from 'k6/options';
import { watching } from './overlays.ts';

export const options: Options = {
  scenarios: { overlays: { executor: 'per-vu-iterations', vus: 10, iterations: 1, maxDuration: '185s', exec: 'watch' } },
  thresholds: {
    droppio_arrivals: ['count==500'],
    droppio_deliveries: ['count>=26730'],
    droppio_connected: ['rate>0.99'],
    droppio_lost: ['count==0'],
    droppio_doubled: ['count==0'],
    droppio_closes: ['count==0'],
    droppio_delivery_ms: ['max<30000'],
  },
};

// k6 calls it once for each VU, redis-failover.
export const watch = watching({ overlays: 500, rooms: 20, vus: 10, rampSeconds: 5, holdSeconds: 60, tipsPerSecond: 20 });
