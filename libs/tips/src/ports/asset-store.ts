export const ASSET_KINDS = ['image', 'sound'] as const;
export type AssetKind = (typeof ASSET_KINDS)[number];
/** What is stored and served. Images come as others too, and are made WebP. */
export const ASSET_TYPES = ['image/webp', 'audio/wav', 'audio/mpeg', 'audio/ogg'] as const;
export type AssetType = (typeof ASSET_TYPES)[number];

/** What a creator has uploaded, without the bytes. Never changes: other content is another asset with another id. */
export interface Asset {
  /** `ast_…`, 142 random bits: whoever knows it may fetch the file, like the page that shows it. */
  readonly id: string;
  readonly kind: AssetKind;
  readonly type: AssetType;
  /** The creator's own word for it; may be empty. */
  readonly name: string;
  /** Bytes as stored. */
  readonly size: number;
  /** Of images: pixels of one frame. */
  readonly width?: number;
  readonly height?: number;
  /** Of images: more than one moves. */
  readonly frames?: number;
  /** Of sounds and moving images. */
  readonly durationMs?: number;
  readonly createdAt: Date;
}

export interface NewAsset extends Omit<Asset, 'createdAt' | 'size'> {
  readonly creatorId: string;
  /** SHA-256 of what was uploaded, by which the same file is known again. */
  readonly sourceHash: Uint8Array;
  readonly bytes: Uint8Array;
}

export interface AssetQuota {
  readonly count: number;
  readonly bytes: number;
}

export interface AssetsPage {
  /** Newest first. */
  readonly assets: readonly Asset[];
  /** Cursor of the next page; absent on the last. */
  readonly next?: string;
}

/** An overlay whose config names an asset. */
export interface AssetUse {
  readonly id: string;
  readonly name: string;
}

/** A file by its id alone, as a page asks for it. */
export interface AssetFile {
  readonly type: AssetType;
  readonly size: number;
}

/**
 * Creators' own images and sounds. Every call but the last two names the creator, so nobody reaches another's. Throws `StorageUnavailable`.
 * Implementation: `PostgresAssetStore`.
 */
export abstract class AssetStore {
  /**
   * Stores it, or gives back what the creator has of the same source already (`isNew` false). Creations of one creator wait for each other, so
   * the quota is exact. Throws `LimitReached` above it, `NotFound` without the creator.
   */
  abstract add(asset: NewAsset, quota: AssetQuota): Promise<{ readonly asset: Asset; readonly isNew: boolean }>;
  /** What the creator has of this source already. */
  abstract bySource(creatorId: string, sourceHash: Uint8Array): Promise<Asset | undefined>;
  /** What counts against the quota. */
  abstract usage(creatorId: string): Promise<AssetQuota>;
  /** `limit` 1–200. Throws `InvalidCursor`. */
  abstract assets(creatorId: string, limit: number, cursor?: string): Promise<AssetsPage>;
  abstract asset(creatorId: string, id: string): Promise<Asset | undefined>;
  /** Those of the creator's overlays that name it. */
  abstract uses(creatorId: string, id: string): Promise<readonly AssetUse[]>;
  /** Removes it, unless overlays name it (those are given back) and `force` is not set. `undefined`: the creator has no such asset. */
  abstract remove(creatorId: string, id: string, force: boolean): Promise<readonly AssetUse[] | undefined>;
  /** Which of these the creator has, and of what kind. */
  abstract kinds(creatorId: string, ids: readonly string[]): Promise<ReadonlyMap<string, AssetKind>>;
  abstract file(id: string): Promise<AssetFile | undefined>;
  abstract bytes(id: string): Promise<Uint8Array | undefined>;
}
