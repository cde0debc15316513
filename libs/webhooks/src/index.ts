export { webhooksEnv, webhookSwitches, type WebhookSwitches } from './env.js';
export { NameResolver } from './name-resolver.js';
export { WebhooksModule, type WebhooksOptions, type WebhookWorld } from './webhooks.module.js';
