// Five thousand overlays of one creator. Written by "npm run load:scripts" from ../scenarios.json; do not edit.
import type { Options } from 'k6/options';
import { watching } from './overlays.ts';

export const options: Options = {
  scenarios: { overlays: { executor: 'per-vu-iterations', vus: 100, iterations: 1, maxDuration: '200s', exec: 'watch' } },
  thresholds: {
    droppio_arrivals: ['count==5000'],
    droppio_deliveries: ['count>=2717550'],
    droppio_connected: ['rate>0.99'],
    droppio_lost: ['count==0'],
    droppio_doubled: ['count==0'],
    droppio_delivery_ms: ['p(99)<500'],
  },
};

// k6 calls it once for each VU, hot-room.
export const watch = watching({ overlays: 5000, rooms: 1, vus: 100, rampSeconds: 20, holdSeconds: 60, tipsPerSecond: 10 });
