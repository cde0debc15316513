export type { Alert, AmountView, DigestAlert, TipAlert } from './alert.js';
export * from './cursor-store.js';
export * from './instance.js';
export { OverlayConnection, type ConnectionListener, type ConnectionOptions, type ConnectionState } from './overlay-connection.js';
export type { Gap } from './sequence.js';
export * from './tip-inbox.js';
export * from './transport.js';
export * from './wall-clock.js';
export * from './web-socket-transport.js';
