export * from './client-frames.js';
export * from './close-codes.js';
export { CREATOR_PARAMETER, creatorKeyOf, gatewayFor, gatewayForPreview, PREVIEW_PARAMETER } from './creator-key.js';
export * from './event-frames.js';
export * from './http-frames.js';
export * from './server-frames.js';
export * from './widget-answer.js';
export * from './worn-config.js';
export { changedLook } from './worn-look.js';
