import { aWav } from '../files.js';
import { mine, open, type RouteRow, type Scene } from './row.js';

export const assetRoutes: Readonly<Record<string, RouteRow>> = {
  uploadAsset: mine('write', 201, { body: () => aWav(), headers: () => ({ 'content-type': 'audio/wav' }) }),
  listAssets: mine('read', 200),
  getAsset: mine('read', 200, { params: anAsset }),
  removeAsset: mine('write', 204, { params: anAsset }),
  getMedia: open(200, { params: anAsset }),
};

async function anAsset({ api, owner }: Scene): Promise<{ id: string }> {
  const headers = { 'content-type': 'audio/wav' };
  const { json } = await api.call('POST', '/v1/assets', { token: owner.accessToken, body: aWav(), headers });
  return { id: (json as { id: string }).id };
}
