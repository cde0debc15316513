import type { RouteRow } from './row.js';

export const webhookRoutes: Readonly<Record<string, RouteRow>> = {};
