import { mine, type RouteRow } from './row.js';

export const tipRoutes: Readonly<Record<string, RouteRow>> = {
  listTips: mine('read', 200),
};
