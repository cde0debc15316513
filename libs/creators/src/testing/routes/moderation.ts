import type { RouteRow } from './row.js';

export const moderationRoutes: Readonly<Record<string, RouteRow>> = {};
