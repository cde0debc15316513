import { readOverlayConfig } from '@droppio/tips/overlay-schema';
import { EntitySchema } from 'typeorm';
import type { CreatorEvent, EventType, Hex, OverlayConfig } from '@droppio/tips';
import { bytes, int8, now } from './columns.js';

export interface CreatorRow {
  id: string;
  handle: string;
  displayName: string;
  /** Blocks a tip must have, its own included, before this creator hears of it; 0: not even its own. */
  alertAfter: number;
  listed: boolean;
  createdAt: Date;
  wallets: CreatorWalletRow[];
}

export interface CreatorWalletRow {
  address: Hex;
  creatorId: string;
  position: number;
  createdAt: Date;
  /** The chain whose contract has signed for it; null: a key has, or nobody. */
  provenOn: number | null;
}

const toCreator = { type: 'many-to-one', target: 'Creator', joinColumn: { name: 'creator_id' }, onDelete: 'CASCADE' } as const;

export const CreatorEntity = new EntitySchema<CreatorRow>({
  name: 'Creator',
  tableName: 'creators',
  columns: {
    id: { type: 'uuid', primary: true },
    handle: { type: 'text' },
    displayName: { type: 'text', name: 'display_name' },
    alertAfter: { type: 'integer', name: 'alert_after', default: 1 },
    listed: { type: 'boolean', default: false },
    createdAt: { ...now, name: 'created_at' },
  },
  relations: { wallets: { type: 'one-to-many', target: 'CreatorWallet', inverseSide: 'creator' } },
  uniques: [{ name: 'creators_handle', columns: ['handle'] }],
});

export const CreatorWalletEntity = new EntitySchema<CreatorWalletRow & { creator?: CreatorRow }>({
  name: 'CreatorWallet',
  tableName: 'creator_wallets',
  columns: {
    address: { ...bytes, primary: true, primaryKeyConstraintName: 'creator_wallets_address' },
    creatorId: { type: 'uuid', name: 'creator_id' },
    position: { type: 'integer' },
    createdAt: { ...now, name: 'created_at' },
    provenOn: { ...int8, name: 'proven_on', nullable: true },
  },
  relations: {
    creator: {
      ...toCreator,
      inverseSide: 'wallets',
      joinColumn: { name: 'creator_id', foreignKeyConstraintName: 'creator_wallets_creator' },
    },
  },
  indices: [
    { name: 'creator_wallets_of', columns: ['creatorId', 'position'] },
    { name: 'creator_wallets_created', columns: ['createdAt'] },
  ],
});

/** Wallets that an account had once: their tips of that time are its own, and go with it. */
export interface FormerWalletRow {
  creatorId: string;
  address: Hex;
  unlinkedAt: Date;
}

export const FormerWalletEntity = new EntitySchema<FormerWalletRow & { creator?: CreatorRow }>({
  name: 'FormerWallet',
  tableName: 'former_wallets',
  columns: {
    creatorId: { type: 'uuid', name: 'creator_id', primary: true, primaryKeyConstraintName: 'former_wallets_pkey' },
    address: { ...bytes, primary: true, primaryKeyConstraintName: 'former_wallets_pkey' },
    unlinkedAt: { ...now, name: 'unlinked_at' },
  },
  relations: { creator: { ...toCreator, joinColumn: { name: 'creator_id', foreignKeyConstraintName: 'former_wallets_creator' } } },
});

/** The head of a creator's event stream. Its row lock makes the order of commits the order of seqs, which a SEQUENCE does not. */
export interface CreatorStreamRow {
  creatorId: string;
  /** Another epoch: the numbering was started anew. */
  epoch: string;
  head: number;
  /** A feed has everything up to this seq. */
  published: number;
  /** When the oldest event above `published` was committed. */
  unpublishedSince: Date | null;
  /** Has the creator rules that its tips must be held against before they are told? */
  screens: boolean;
  rulesVersion: number;
  /** What was last said to the overlays; null: nothing yet. */
  paused: boolean | null;
  muted: boolean | null;
}

export const CreatorStreamEntity = new EntitySchema<CreatorStreamRow & { creator?: CreatorRow }>({
  name: 'CreatorStream',
  tableName: 'creator_streams',
  columns: {
    creatorId: { type: 'uuid', name: 'creator_id', primary: true },
    epoch: { type: 'text' },
    head: { ...int8, default: 0 },
    published: { ...int8, default: 0 },
    unpublishedSince: { type: 'timestamptz', name: 'unpublished_since', nullable: true },
    screens: { type: 'boolean', default: false },
    rulesVersion: { type: 'integer', name: 'rules_version', default: 1 },
    paused: { type: 'boolean', nullable: true },
    muted: { type: 'boolean', nullable: true },
  },
  relations: { creator: { ...toCreator, joinColumn: { name: 'creator_id', foreignKeyConstraintName: 'creator_streams_creator' } } },
  indices: [{ name: 'creator_streams_unpublished', columns: ['unpublishedSince'], where: 'unpublished_since IS NOT NULL' }],
});

/** What overlays receive; this table is the outbox. */
export interface CreatorEventRow {
  creatorId: string;
  seq: number;
  type: EventType;
  payload: CreatorEvent;
  createdAt: Date;
}

export const CreatorEventEntity = new EntitySchema<CreatorEventRow & { creator?: CreatorRow }>({
  name: 'CreatorEvent',
  tableName: 'creator_events',
  columns: {
    creatorId: { type: 'uuid', name: 'creator_id', primary: true },
    seq: { ...int8, primary: true },
    type: { type: 'text' },
    payload: { type: 'jsonb' },
    createdAt: { ...now, name: 'created_at' },
  },
  relations: { creator: { ...toCreator, joinColumn: { name: 'creator_id', foreignKeyConstraintName: 'creator_events_creator' } } },
});

export interface OverlayRow {
  id: string;
  creatorId: string;
  name: string;
  enabled: boolean;
  version: number;
  config: OverlayConfig;
  configVersion: number;
  createdAt: Date;
}

export const OverlayEntity = new EntitySchema<OverlayRow & { creator?: CreatorRow }>({
  name: 'Overlay',
  tableName: 'overlays',
  columns: {
    id: { type: 'uuid', primary: true },
    creatorId: { type: 'uuid', name: 'creator_id' },
    name: { type: 'text' },
    enabled: { type: 'boolean', default: true },
    version: { type: 'integer', default: 1 },
    config: { type: 'jsonb', transformer: { from: readOverlayConfig, to: (config: OverlayConfig) => config } },
    configVersion: { type: 'integer', name: 'config_version', default: 1 },
    createdAt: { ...now, name: 'created_at' },
  },
  relations: { creator: { ...toCreator, joinColumn: { name: 'creator_id', foreignKeyConstraintName: 'overlays_creator' } } },
  indices: [{ name: 'overlays_of', columns: ['creatorId', 'createdAt'] }],
});
