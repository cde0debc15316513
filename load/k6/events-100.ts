// A hundred tips a second. Written by "npm run load:scripts" from ../scenarios.json; do not edit.
import type { Options } from 'k6/options';
import { watching } from './overlays.ts';

export const options: Options = {
  scenarios: { overlays: { executor: 'per-vu-iterations', vus: 20, iterations: 1, maxDuration: '320s', exec: 'watch' } },
  thresholds: {
    droppio_arrivals: ['count==1000'],
    droppio_deliveries: ['count>=172260'],
    droppio_connected: ['rate>0.99'],
    droppio_delivered: ['rate>0.99'],
    droppio_delivery_ms: ['p(95)<500'],
    droppio_doubled: ['count==0'],
    droppio_leaked: ['count==0'],
  },
};

// k6 calls it once for each VU, events-100.
export const watch = watching({ overlays: 1000, rooms: 100, vus: 20, rampSeconds: 20, holdSeconds: 180, tipsPerSecond: 100 });
