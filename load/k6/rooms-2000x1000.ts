// Two thousand viewers in a thousand rooms. Written by "npm run load:scripts" from ../scenarios.json; do not edit.
import type { Options } from 'k6/options';
import { watching } from './overlays.ts';

export const options: Options = {
  scenarios: { overlays: { executor: 'per-vu-iterations', vus: 40, iterations: 1, maxDuration: '270s', exec: 'watch' } },
  thresholds: {
    droppio_arrivals: ['count==2000'],
    droppio_deliveries: ['count>=19800'],
    droppio_connected: ['rate>0.99'],
    droppio_connect_ms: ['p(95)<100'],
    droppio_delivered: ['rate>0.99'],
    droppio_delivery_ms: ['p(95)<500'],
    droppio_doubled: ['count==0'],
    droppio_leaked: ['count==0'],
  },
};

// k6 calls it once for each VU, rooms-2000x1000.
export const watch = watching({ overlays: 2000, rooms: 1000, vus: 40, rampSeconds: 30, holdSeconds: 120, tipsPerSecond: 100 });
