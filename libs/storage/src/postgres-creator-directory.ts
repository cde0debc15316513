import { randomBytes, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  Clock,
  Conflict,
  CreatorDirectory,
  LimitReached,
  NotFound,
  OVERLAYS_MAX,
  TIP_TTL_MS,
  type Creator,
  type CreatorChange,
  type Hex,
  type NewCreator,
  type Overlay,
  type OverlayChange,
  type OverlayConfig,
  type TipDisplay,
} from '@droppio/tips';
import * as z from 'zod';
import { hexToBytes } from './columns.js';
import { OverlayEntity, type OverlayRow } from './creator-entities.js';
import { CREATOR_BY_HANDLE, CREATOR_BY_ID, CREATOR_BY_WALLET, CreatorRow } from './creator-rows.js';
import { Database } from './database.js';
import { CHANGE_CREATOR, CHANGE_OVERLAY, CREATE_CREATOR, CREATE_OVERLAY, LOCK_CREATOR, TEST_ALERT } from './directory-statements.js';
import { isId } from './event-log.js';
import { ChangedOverlay } from './overlay-rows.js';
import { brokenConstraint } from './storage-errors.js';

/** 9 bytes: 12 characters of base64url. Random, so that a restored backup whose stream starts anew cannot be taken for the old one. */
const EPOCH_BYTES = 9;

const TAKEN: Readonly<Record<string, string>> = {
  creators_handle: 'The handle is taken.',
  creator_wallets_address: 'A wallet belongs to another creator.',
  access_tokens_hash: 'The access token is in use.',
};

const Created = z.object({ created_at: z.date(), alert_after: z.number(), listed: z.boolean() });
const Id = z.object({ id: z.string() });

/** Creators on Postgres. Each change is one statement, its event included; where things are counted, behind a lock. */
@Injectable()
export class PostgresCreatorDirectory extends CreatorDirectory {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {
    super();
  }

  override async createCreator({ handle, displayName, wallets, provenOn, accessTokenHash }: NewCreator): Promise<Creator> {
    const id = randomUUID();
    const distinct = [...new Set(wallets)];
    const epoch = randomBytes(EPOCH_BYTES).toString('base64url');
    const values = [
      id,
      handle,
      displayName,
      distinct.map(hexToBytes),
      epoch,
      accessTokenHash === undefined ? null : Buffer.from(accessTokenHash),
      provenOn ?? null,
    ];
    const [created] = await this.database.rows(Created, CREATE_CREATOR, values).catch(refuse);
    if (created === undefined) throw new NotFound('The creator was not stored.');
    const { alert_after: alertAfter, listed, created_at: createdAt } = created;
    return { id, handle, displayName, wallets: distinct, alertAfter, listed, createdAt };
  }

  override async creator(id: string): Promise<Creator | undefined> {
    return isId(id) ? (await this.database.rows(CreatorRow, CREATOR_BY_ID, [id]))[0] : undefined;
  }

  override async creatorByHandle(handle: string): Promise<Creator | undefined> {
    return (await this.database.rows(CreatorRow, CREATOR_BY_HANDLE, [handle]))[0];
  }

  override async creatorByWallet(wallet: Hex): Promise<Creator | undefined> {
    return (await this.database.rows(CreatorRow, CREATOR_BY_WALLET, [hexToBytes(wallet)]))[0];
  }

  override async changeCreator(id: string, { handle, displayName, alertAfter, listed }: CreatorChange): Promise<Creator> {
    if (!isId(id)) throw noCreator();
    const values = [id, handle ?? null, displayName ?? null, alertAfter ?? null, listed ?? null];
    await this.database.run(CHANGE_CREATOR, values).catch(refuse);
    const creator = await this.creator(id);
    if (creator === undefined) throw noCreator();
    return creator;
  }

  override async createOverlay(creatorId: string, name: string, config: OverlayConfig): Promise<Overlay> {
    if (!isId(creatorId)) throw noCreator();
    const values = [creatorId, randomUUID(), name, JSON.stringify(config), this.clock.now(), TIP_TTL_MS, OVERLAYS_MAX];
    return this.database.transaction(async (sql) => {
      if ((await sql.rows(Id, LOCK_CREATOR, [creatorId])).length === 0) throw noCreator();
      const [overlay] = await sql.rows(ChangedOverlay, CREATE_OVERLAY, values);
      if (overlay === undefined) throw new LimitReached(`A creator may have ${String(OVERLAYS_MAX)} overlays.`);
      return overlay;
    });
  }

  override async overlays(creatorId: string): Promise<readonly Overlay[]> {
    if (!isId(creatorId)) return [];
    const rows = await this.database.read((manager) =>
      manager.find(OverlayEntity, { where: { creatorId }, order: { createdAt: 'ASC', id: 'ASC' } }),
    );
    return rows.map(toOverlay);
  }

  override async overlay(creatorId: string, overlayId: string): Promise<Overlay | undefined> {
    if (!isId(creatorId) || !isId(overlayId)) return undefined;
    const row = await this.database.read((manager) => manager.findOneBy(OverlayEntity, { id: overlayId, creatorId }));
    return row === null ? undefined : toOverlay(row);
  }

  override async changeOverlay(creatorId: string, overlayId: string, change: OverlayChange): Promise<Overlay> {
    if (!isId(creatorId) || !isId(overlayId)) throw noOverlay();
    const { name = null, enabled = null, rotate = false } = change;
    const values = [creatorId, overlayId, name, enabled, rotate];
    const [overlay] = await this.database.rows(ChangedOverlay, CHANGE_OVERLAY, [...values, this.clock.now(), TIP_TTL_MS]);
    if (overlay === undefined) throw noOverlay();
    return overlay;
  }

  override async testAlert(creatorId: string, overlayId: string, display: TipDisplay): Promise<string> {
    if (!isId(creatorId) || !isId(overlayId)) throw noOverlay();
    const values = [creatorId, overlayId, randomUUID(), JSON.stringify({ ...display, overlayId }), this.clock.now(), TIP_TTL_MS];
    const [told] = await this.database.rows(Id, TEST_ALERT, values);
    if (told === undefined) throw noOverlay();
    return told.id;
  }
}

function refuse(error: unknown): never {
  const constraint = brokenConstraint(error);
  throw constraint === undefined ? error : new Conflict(TAKEN[constraint] ?? 'The creator exists already.', { cause: error });
}

const noCreator = (): NotFound => new NotFound('There is no such creator.');
const noOverlay = (): NotFound => new NotFound('There is no such overlay.');

function toOverlay({ id, creatorId, name, enabled, version, config, configVersion, createdAt }: OverlayRow): Overlay {
  return { id, creatorId, name, enabled, version, config, configVersion, createdAt };
}
