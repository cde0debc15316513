// One gateway of three is killed. Written by "npm run load:scripts" from ../scenarios.json; do not edit.
// Meanwhile, kill one gateway: kubectl delete pod --force --grace-period=0 …
// Not judged here: backSeconds.
import type { Options } from 'k6/options';
import { watching } from './overlays.ts';

export const options: Options = {
  scenarios: { overlays: { executor: 'per-vu-iterations', vus: 30, iterations: 1, maxDuration: '195s', exec: 'watch' } },
  thresholds: {
    droppio_arrivals: ['count==1500'],
    droppio_deliveries: ['count>=14850'],
    droppio_reconnects: ['count>0'],
    droppio_connected: ['rate>0.99'],
    droppio_reconnect_ms: ['p(95)<1000'],
    droppio_lost: ['count==0'],
    droppio_doubled: ['count==0'],
  },
};

// k6 calls it once for each VU, reconnect-storm.
export const watch = watching({ overlays: 1500, rooms: 100, vus: 30, rampSeconds: 15, holdSeconds: 60, tipsPerSecond: 20 });
