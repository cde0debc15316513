import { createHash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import {
  AssetStore,
  LimitReached,
  NotFound,
  type Asset,
  type AssetQuota,
  type AssetType,
  type AssetUse,
  type NewAsset,
} from '@droppio/tips';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import { Counter } from 'prom-client';
import { CreatorsOptions } from '../creators-options.js';
import { AssetInUse, AssetRefused } from '../errors.js';
import { UPLOADS } from '../metrics.js';
import { newAssetId } from './asset-id.js';
import { ImagePress } from './image-press.js';
import { sniff, type Sniffed } from './sniff.js';
import { checkSound } from './sound-check.js';

const NAMED_MAX = 3;

export interface Upload {
  readonly creatorId: string;
  readonly bytes: Buffer;
  /** What the sender says that it is. */
  readonly declared: string;
  readonly name: string;
}

type Looked = Pick<NewAsset, 'kind' | 'bytes'> & { readonly type: AssetType } & Pick<
    Partial<NewAsset>,
    'width' | 'height' | 'frames' | 'durationMs'
  >;

/** From an uploaded file to an asset: what it is, whether there is room, whether it is harmless, and only then stored. */
@Injectable()
export class AssetsService {
  private readonly logger = new Logger('creators');

  constructor(
    private readonly store: AssetStore,
    private readonly press: ImagePress,
    private readonly options: CreatorsOptions,
    @InjectMetric(UPLOADS) private readonly uploads: Counter,
  ) {}

  /** `isNew` false: the creator has the same file already. Throws what `sniff`, `ImagePress` and `checkSound` do, and `LimitReached`. */
  async upload({ creatorId, bytes, declared, name }: Upload): Promise<{ readonly asset: Asset; readonly isNew: boolean }> {
    const sniffed = sniff(bytes, declared);
    const sourceHash = createHash('sha256').update(bytes).digest();
    const known = await this.store.bySource(creatorId, sourceHash);
    if (known !== undefined) {
      this.uploads.inc({ kind: sniffed.kind, outcome: 'known' });
      return { asset: known, isNew: false };
    }
    await this.refuseFull(creatorId);
    const looked = await this.look(bytes, sniffed);
    const made = await this.store.add({ id: newAssetId(), creatorId, name, sourceHash, ...looked }, this.options.quota);
    this.uploads.inc({ kind: sniffed.kind, outcome: made.isNew ? 'stored' : 'known' });
    if (made.isNew) this.logger.log('asset.stored', { creatorId, assetId: made.asset.id, type: made.asset.type, bytes: made.asset.size });
    return made;
  }

  usage(creatorId: string): Promise<AssetQuota> {
    return this.store.usage(creatorId);
  }

  async get(creatorId: string, id: string): Promise<{ readonly asset: Asset; readonly uses: readonly AssetUse[] }> {
    const [asset, uses] = await Promise.all([this.store.asset(creatorId, id), this.store.uses(creatorId, id)]);
    if (asset === undefined) throw new NotFound('No such asset.');
    return { asset, uses };
  }

  /** Throws `AssetInUse`, unless it is meant. */
  async remove(creatorId: string, id: string, force: boolean): Promise<void> {
    const uses = await this.store.remove(creatorId, id, force);
    if (uses === undefined) throw new NotFound('No such asset.');
    if (uses.length === 0) return;
    const names = uses.slice(0, NAMED_MAX).map(({ name }) => `“${name}”`);
    const more = uses.length > NAMED_MAX ? ` and ${String(uses.length - NAMED_MAX)} more` : '';
    throw new AssetInUse(`It is used by ${names.join(', ')}${more}. Take it out there, or remove it with force=true.`);
  }

  /** Before the work, which somebody without room shall not make us do; the store looks again. */
  private async refuseFull(creatorId: string): Promise<void> {
    const { count, bytes } = await this.store.usage(creatorId);
    const { quota } = this.options;
    if (count >= quota.count || bytes >= quota.bytes) {
      throw new LimitReached(`There is no room: ${String(quota.count)} assets and ${String(quota.bytes)} bytes are the most.`);
    }
  }

  private async look(bytes: Buffer, sniffed: Sniffed): Promise<Looked> {
    try {
      if (sniffed.kind === 'image') return { kind: 'image', type: 'image/webp', ...(await this.press.press(bytes, sniffed.format)) };
      return { kind: 'sound', bytes, ...checkSound(bytes, sniffed.format) };
    } catch (error) {
      if (error instanceof AssetRefused) this.uploads.inc({ kind: sniffed.kind, outcome: 'refused' });
      throw error;
    }
  }
}
