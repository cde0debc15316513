export * from './builders.js';
export * from './manual-clock.js';
export * from './memory-leader-lock.js';
export * from './memory-tip-values.js';
export * from './memory-wallet-register.js';
export * from './random.js';
export * from './hostile-texts.js';
