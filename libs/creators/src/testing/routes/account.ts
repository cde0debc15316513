import { mine, operators, type RouteRow } from './row.js';

export const accountRoutes: Readonly<Record<string, RouteRow>> = {
  listAuditEntries: mine('account', 200, { fresh: false }),
  listOperatorAuditEntries: operators(200),
};
