export * from './fake-node.js';
export * from './memory-tip-ledger.js';
export * from './scripted-chain.js';
export * from './tip-log.js';
export { unregisteredMetrics } from '../metrics.js';
export * from './scripted-node.js';
