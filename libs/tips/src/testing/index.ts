export * from './builders.js';
export * from './manual-clock.js';
export * from './random.js';
