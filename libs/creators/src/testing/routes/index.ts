import { accessRoutes } from './access.js';
import { accountRoutes } from './account.js';
import { assetRoutes } from './assets.js';
import { moderationRoutes } from './moderation.js';
import { overlayRoutes } from './overlays.js';
import { profileRoutes } from './profile.js';
import type { RouteRow } from './row.js';
import { tipRoutes } from './tips.js';
import { webhookRoutes } from './webhooks.js';

export type { RouteRow, Scene } from './row.js';

/** Who may call which operation of the document. A route without a row fails the build: nobody has thought about who may call it. */
export const ROUTES: Readonly<Record<string, RouteRow>> = {
  ...accessRoutes,
  ...profileRoutes,
  ...overlayRoutes,
  ...tipRoutes,
  ...moderationRoutes,
  ...webhookRoutes,
  ...accountRoutes,
  ...assetRoutes,
};
