export type { AddressBook } from './client-address.js';
export * from './delivery-env.js';
export * from './delivery-settings.js';
export * from './delivery.module.js';
