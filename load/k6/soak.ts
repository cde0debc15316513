// Hours of coming and going. Written by "npm run load:scripts" from ../scenarios.json; do not edit.
// Not judged here: openFilesGrowth, heapMiBPerHour.
import type { Options } from 'k6/options';
import { watching } from './overlays.ts';

export const options: Options = {
  scenarios: { overlays: { executor: 'per-vu-iterations', vus: 10, iterations: 1, maxDuration: '7325s', exec: 'watch' } },
  thresholds: {
    droppio_arrivals: ['count==500'],
    droppio_deliveries: ['count>=1424115'],
    droppio_connected: ['rate>0.99'],
    droppio_lost: ['count==0'],
    droppio_doubled: ['count==0'],
  },
};

// k6 calls it once for each VU, soak.
export const watch = watching({ overlays: 500, rooms: 50, vus: 10, rampSeconds: 5, holdSeconds: 7200, tipsPerSecond: 20 });
