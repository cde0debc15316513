export * from './eventually.js';
export * from './redis-server.js';
export * from './redis-cluster.js';
export * from './tcp-proxy.js';
