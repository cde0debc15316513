// Every gateway is replaced. Written by "npm run load:scripts" from ../scenarios.json; do not edit.
// Meanwhile, replace all gateways: kubectl rollout restart deployment/gateway
// Not judged here: cutOff, stragglers, paceRatio.
import type { Options } from 'k6/options';
import { watching } from './overlays.ts';

export const options: Options = {
  scenarios: { overlays: { executor: 'per-vu-iterations', vus: 20, iterations: 1, maxDuration: '190s', exec: 'watch' } },
  thresholds: {
    droppio_arrivals: ['count==1000'],
    droppio_deliveries: ['count>=53460'],
    droppio_connected: ['rate>0.99'],
    droppio_lost: ['count==0'],
    droppio_doubled: ['count==0'],
  },
};

// k6 calls it once for each VU, rolling-drain.
export const watch = watching({ overlays: 1000, rooms: 20, vus: 20, rampSeconds: 10, holdSeconds: 60, tipsPerSecond: 20 });
