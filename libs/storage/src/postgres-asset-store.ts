import { Injectable } from '@nestjs/common';
import {
  ASSET_KINDS,
  ASSET_TYPES,
  AssetStore,
  LimitReached,
  NotFound,
  type Asset,
  type AssetFile,
  type AssetKind,
  type AssetQuota,
  type AssetsPage,
  type AssetUse,
  type NewAsset,
} from '@droppio/tips';
import * as z from 'zod';
import {
  ADD_ASSET,
  ASSET,
  ASSET_BY_SOURCE,
  ASSET_BYTES,
  ASSET_FILE,
  ASSET_KINDS_OF,
  ASSET_USAGE,
  ASSET_USES,
  ASSETS,
  LOCK_STREAM,
  REMOVE_ASSET,
} from './asset-statements.js';
import { Database, type SqlValue } from './database.js';
import { isId } from './event-log.js';
import { decodePlace, encodePlace, FIRST_PLACE } from './webhook-rows.js';
import { LOCK_OWNER } from './webhook-statements.js';

const ASSETS_MAX = 200;
const ASSET_ID = /^ast_[A-Za-z0-9]{24}$/;

const Id = z.object({ id: z.string() });
const Use = z.object({ id: z.string(), name: z.string() });
const Usage = z.object({ count: z.number(), bytes: z.number() });
const Kind = z.object({ id: z.string(), kind: z.enum(ASSET_KINDS) });
const File = z.object({ type: z.enum(ASSET_TYPES), size: z.number() });
const Bytes = z.object({ bytes: z.instanceof(Buffer) });
const row = z.object({
  id: z.string(),
  kind: z.enum(ASSET_KINDS),
  type: z.enum(ASSET_TYPES),
  name: z.string(),
  size: z.number(),
  width: z.number().nullable(),
  height: z.number().nullable(),
  frames: z.number().nullable(),
  duration_ms: z.number().nullable(),
  created_at: z.date(),
});
const AssetRow = row.transform(toAsset);
const PlacedRow = row.extend({ nth: z.string() }).transform(({ nth, ...rest }) => ({ nth, asset: toAsset(rest) }));

/** Assets as rows, bytes and all: what is uploaded is small, bounded and read once by each page. */
@Injectable()
export class PostgresAssetStore extends AssetStore {
  constructor(private readonly database: Database) {
    super();
  }

  override async add(asset: NewAsset, quota: AssetQuota): Promise<{ readonly asset: Asset; readonly isNew: boolean }> {
    const { creatorId } = asset;
    if (!isId(creatorId)) throw new NotFound('There is no such creator.');
    return this.database.transaction(async (sql) => {
      if ((await sql.rows(Id, LOCK_OWNER, [creatorId])).length === 0) throw new NotFound('There is no such creator.');
      const [known] = await sql.rows(AssetRow, ASSET_BY_SOURCE, [creatorId, Buffer.from(asset.sourceHash)]);
      if (known !== undefined) return { asset: known, isNew: false };
      const used = one(await sql.rows(Usage, ASSET_USAGE, [creatorId]));
      if (used.count >= quota.count) throw new LimitReached(`A creator may have ${String(quota.count)} assets.`);
      if (used.bytes + asset.bytes.length > quota.bytes) {
        throw new LimitReached(`The assets of a creator may have ${String(quota.bytes)} bytes together.`);
      }
      return { asset: one(await sql.rows(AssetRow, ADD_ASSET, valuesOf(asset))), isNew: true };
    });
  }

  override async bySource(creatorId: string, sourceHash: Uint8Array): Promise<Asset | undefined> {
    return isId(creatorId) ? (await this.database.rows(AssetRow, ASSET_BY_SOURCE, [creatorId, Buffer.from(sourceHash)]))[0] : undefined;
  }

  override async usage(creatorId: string): Promise<AssetQuota> {
    return isId(creatorId) ? one(await this.database.rows(Usage, ASSET_USAGE, [creatorId])) : { count: 0, bytes: 0 };
  }

  override async assets(creatorId: string, limit: number, cursor?: string): Promise<AssetsPage> {
    const size = Math.max(1, Math.min(Math.trunc(limit), ASSETS_MAX));
    const below = cursor === undefined ? FIRST_PLACE : decodePlace(cursor);
    if (!isId(creatorId)) return { assets: [] };
    const rows = await this.database.rows(PlacedRow, ASSETS, [creatorId, below, size + 1]);
    const page = rows.slice(0, size);
    const last = page.at(-1);
    const assets = page.map(({ asset }) => asset);
    return rows.length > size && last !== undefined ? { assets, next: encodePlace(last.nth) } : { assets };
  }

  override async asset(creatorId: string, id: string): Promise<Asset | undefined> {
    return areIds(creatorId, id) ? (await this.database.rows(AssetRow, ASSET, [creatorId, id]))[0] : undefined;
  }

  override async uses(creatorId: string, id: string): Promise<readonly AssetUse[]> {
    return areIds(creatorId, id) ? this.database.rows(Use, ASSET_USES, [creatorId, id]) : [];
  }

  override async remove(creatorId: string, id: string, force: boolean): Promise<readonly AssetUse[] | undefined> {
    if (!areIds(creatorId, id)) return undefined;
    return this.database.transaction(async (sql) => {
      await sql.run(LOCK_STREAM, [creatorId]);
      if ((await sql.rows(AssetRow, ASSET, [creatorId, id])).length === 0) return undefined;
      const uses = force ? [] : await sql.rows(Use, ASSET_USES, [creatorId, id]);
      if (uses.length === 0) await sql.run(REMOVE_ASSET, [creatorId, id]);
      return uses;
    });
  }

  override async kinds(creatorId: string, ids: readonly string[]): Promise<ReadonlyMap<string, AssetKind>> {
    if (!isId(creatorId) || ids.length === 0) return new Map();
    const rows = await this.database.rows(Kind, ASSET_KINDS_OF, [creatorId, ids]);
    return new Map(rows.map(({ id, kind }) => [id, kind]));
  }

  override async file(id: string): Promise<AssetFile | undefined> {
    return ASSET_ID.test(id) ? (await this.database.rows(File, ASSET_FILE, [id]))[0] : undefined;
  }

  override async bytes(id: string): Promise<Uint8Array | undefined> {
    return ASSET_ID.test(id) ? (await this.database.rows(Bytes, ASSET_BYTES, [id]))[0]?.bytes : undefined;
  }
}

function areIds(creatorId: string, id: string): boolean {
  return isId(creatorId) && ASSET_ID.test(id);
}

function valuesOf(asset: NewAsset): readonly SqlValue[] {
  const { id, creatorId, kind, type, name, bytes, width = null, height = null, frames = null, durationMs = null, sourceHash } = asset;
  return [id, creatorId, kind, type, name, Buffer.from(bytes), width, height, frames, durationMs, Buffer.from(sourceHash)];
}

function toAsset({ width, height, frames, duration_ms, created_at, ...same }: z.output<typeof row>): Asset {
  return {
    ...same,
    createdAt: created_at,
    ...(width === null ? {} : { width }),
    ...(height === null ? {} : { height }),
    ...(frames === null ? {} : { frames }),
    ...(duration_ms === null ? {} : { durationMs: duration_ms }),
  };
}

function one<T>([found]: readonly T[]): T {
  if (found === undefined) throw new NotFound('There is no such asset.');
  return found;
}
