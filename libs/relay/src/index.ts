export * from './creator-relay.js';
export * from './relay.module.js';
export * from './relay-settings.js';
