import { mine, type RouteRow, type Scene } from './row.js';

export const overlayRoutes: Readonly<Record<string, RouteRow>> = {
  createOverlay: mine('write', 201, { body: () => ({ name: 'another' }) }),
  listOverlays: mine('read', 200),
  getOverlay: mine('read', 200),
  changeOverlay: mine('write', 200, {
    body: () => ({ name: 'taken over', enabled: true }),
  }),
  getOverlayConfig: mine('read', 200),
  replaceOverlayConfig: mine('write', 200, { headers: () => ({ 'if-match': '*' }), body: () => ({ schemaVersion: 1, motion: 'none' }) }),
  validateOverlayConfig: mine('read', 200, { body: () => ({ schemaVersion: 1 }) }),
  removeOverlay: mine('write', 204, { params: async (scene) => ({ id: await anOverlay(scene) }) }),
  getOverlayHealth: mine('read', 200),
  reloadOverlay: mine('write', 202),
  getOverlayUrl: mine('account', 200),
  rotateOverlayToken: mine('account', 200, { ends: true }),
  sendTestAlert: mine('write', 202, { body: () => ({ message: 'hello' }) }),
};

/** One more of the owner's. */
async function anOverlay({ api, owner }: Scene): Promise<string> {
  const { json } = await api.call('POST', '/v1/overlays', { token: owner.accessToken, body: { name: 'to be removed' } });
  return (json as { id: string }).id;
}
