export * from './bootstrap.js';
export * from './env.js';
export * from './health.js';
export * from './json-logger.js';
export * from './listen.js';
export * from './platform.module.js';
export * from './run-main.js';
export * from './system-clock.js';
