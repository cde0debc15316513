// A thousand overlays connect. Written by "npm run load:scripts" from ../scenarios.json; do not edit.
import type { Options } from 'k6/options';
import { watching } from './overlays.ts';

export const options: Options = {
  scenarios: { overlays: { executor: 'per-vu-iterations', vus: 20, iterations: 1, maxDuration: '360s', exec: 'watch' } },
  thresholds: {
    droppio_arrivals: ['count==1000'],
    droppio_connected: ['rate>0.99'],
    droppio_connect_ms: ['p(95)<100'],
    droppio_closes: ['count==0'],
  },
};

// k6 calls it once for each VU, connect-1000.
export const watch = watching({ overlays: 1000, rooms: 100, vus: 20, rampSeconds: 60, holdSeconds: 180, tipsPerSecond: 0 });
