export * from './app-process.js';
export * from './house.js';
export * from './standalone.js';
export * from './trio.js';
export { freePort, startChild, type Child } from '../services/child.js';
export { startPostgres, type PostgresServer } from '../services/postgres.js';
export { findPrograms, type Programs } from '../services/programs.js';
export { startRedis, type RedisServer } from '../services/redis.js';
export * from './house-client.js';
