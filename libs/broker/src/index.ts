export * from './env.js';
export * from './memory-broker.module.js';
export * from './memory-backfill-queue.js';
export * from './memory-presence.js';
export * from './memory-relay-queue.js';
export * from './memory-tip-feed.js';
export * from './memory-webhook-queue.js';
export { unregisteredMetrics } from './metrics.js';
export * from './redis-broker.module.js';
