import { ASSET_KINDS, ASSET_TYPES, type Asset, type AssetsPage, type AssetUse } from '@droppio/tips';
import * as z from 'zod';
import { nameField, pageQuery, pageShape, timeShape } from '../edge/fields.js';

export const assetIdField = z.string().regex(/^ast_[A-Za-z0-9]{24}$/, 'must be the id of an asset');
/** Of whoever knows nothing but an address: what is no id is not there. */
export const mediaIdField = z.string().max(64);

export const UploadQuery = z.strictObject({ name: nameField.optional().meta({ description: 'A word for it, for lists.' }) });
export type UploadQuery = z.output<typeof UploadQuery>;
export const AssetsQuery = z.strictObject(pageQuery);
export type AssetsQuery = z.output<typeof AssetsQuery>;
export const RemoveQuery = z.strictObject({
  force: z
    .enum(['true', 'false'])
    .default('false')
    .meta({ description: 'Remove it although overlays name it: their alerts go on without it.' }),
});
export type RemoveQuery = z.output<typeof RemoveQuery>;

const asset = {
  id: z.string().meta({ description: 'Goes into the `asset` of an overlay’s config.' }),
  kind: z.enum(ASSET_KINDS),
  type: z.enum(ASSET_TYPES).meta({ description: 'As it is stored and served; every image becomes WebP.' }),
  name: z.string(),
  bytes: z.int(),
  width: z.int().optional(),
  height: z.int().optional(),
  frames: z.int().optional().meta({ description: 'Of images; more than one moves.' }),
  durationMs: z.int().optional().meta({ description: 'Of sounds, and of one turn of a moving image.' }),
  url: z.string().meta({ description: 'Where overlay pages fetch it. Whoever has the address may, as with the page itself.' }),
  createdAt: timeShape,
};
export const AssetView = z.object(asset).meta({ id: 'Asset' });
export type AssetView = z.output<typeof AssetView>;

export const AssetDetailView = z
  .object({
    ...asset,
    usedBy: z.array(z.object({ id: z.string(), name: z.string() })).meta({ description: 'My overlays whose config names it.' }),
  })
  .meta({ id: 'AssetDetail' });
export type AssetDetailView = z.output<typeof AssetDetailView>;

const quota = z.object({ count: z.int(), bytes: z.int() });
export const AssetPage = z
  .object({
    data: z.array(AssetView),
    page: pageShape,
    quota: z.object({ used: quota, most: quota }).meta({ description: 'What there is, and what there may be.' }),
  })
  .meta({ id: 'AssetPage' });
export type AssetPage = z.output<typeof AssetPage>;

export function assetView({ id, kind, type, name, size, width, height, frames, durationMs, createdAt }: Asset, pageUrl: string): AssetView {
  return {
    id,
    kind,
    type,
    name,
    bytes: size,
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
    ...(frames === undefined ? {} : { frames }),
    ...(durationMs === undefined ? {} : { durationMs }),
    url: `${pageUrl}/media/${id}`,
    createdAt: createdAt.toISOString(),
  };
}

export function assetDetailView(found: Asset, uses: readonly AssetUse[], pageUrl: string): AssetDetailView {
  return { ...assetView(found, pageUrl), usedBy: uses.map(({ id, name }) => ({ id, name })) };
}

export function assetPage({ assets, next }: AssetsPage, quotas: AssetPage['quota'], pageUrl: string): AssetPage {
  const data = assets.map((each) => assetView(each, pageUrl));
  return { data, page: { next: next ?? null, hasMore: next !== undefined }, quota: quotas };
}
