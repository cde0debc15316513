import { mine, type RouteRow } from './row.js';

export const overlayRoutes: Readonly<Record<string, RouteRow>> = {
  createOverlay: mine('write', 201, { body: () => ({ name: 'another' }) }),
  listOverlays: mine('read', 200),
  getOverlay: mine('read', 200),
  changeOverlay: mine('write', 200, {
    body: () => ({ name: 'taken over', enabled: true, config: { schemaVersion: 1, durationMs: 9000 } }),
  }),
  getOverlayUrl: mine('account', 200),
  rotateOverlayToken: mine('account', 200, { ends: true }),
  sendTestAlert: mine('write', 202, { body: () => ({ message: 'hello' }) }),
};
