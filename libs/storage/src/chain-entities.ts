import { EntitySchema } from 'typeorm';
import type { Hex } from '@droppio/tips';
import { bytes, int8, now } from './columns.js';

export interface ChainCursorRow {
  chainId: number;
  number: number;
  hash: Hex;
  /** Fencing token of the leader that may move this cursor. */
  epoch: number;
  safeNumber: number | null;
  finalizedNumber: number | null;
  updatedAt: Date;
  /** The first cursor: blocks up to here were never walked. */
  begunNumber: number | null;
  /** What the walk looks for, and the height after which it has done so. */
  walkFilter: string | null;
  walkFrom: number | null;
}

export const ChainCursorEntity = new EntitySchema<ChainCursorRow>({
  name: 'ChainCursor',
  tableName: 'chain_cursors',
  columns: {
    chainId: { ...int8, name: 'chain_id', primary: true },
    number: int8,
    hash: bytes,
    epoch: int8,
    safeNumber: { ...int8, name: 'safe_number', nullable: true },
    finalizedNumber: { ...int8, name: 'finalized_number', nullable: true },
    updatedAt: { ...now, name: 'updated_at' },
    begunNumber: { ...int8, name: 'begun_number', nullable: true },
    walkFilter: { type: 'text', name: 'walk_filter', nullable: true },
    walkFrom: { ...int8, name: 'walk_from', nullable: true },
  },
});

/** The window of recent blocks, both branches of a fork included; pruned below finalised. */
export interface ChainBlockRow {
  chainId: number;
  hash: Hex;
  number: number;
  parentHash: Hex;
  timeMs: number;
  seenAtMs: number;
  canonical: boolean;
}

export const ChainBlockEntity = new EntitySchema<ChainBlockRow>({
  name: 'ChainBlock',
  tableName: 'chain_blocks',
  columns: {
    chainId: { ...int8, name: 'chain_id', primary: true },
    hash: { ...bytes, primary: true },
    number: int8,
    parentHash: { ...bytes, name: 'parent_hash' },
    timeMs: { ...int8, name: 'time_ms' },
    seenAtMs: { ...int8, name: 'seen_at_ms' },
    canonical: { type: 'boolean' },
  },
  indices: [
    { name: 'chain_blocks_canonical', columns: ['chainId', 'number'], unique: true, where: 'canonical' },
    { name: 'chain_blocks_height', columns: ['chainId', 'number'] },
  ],
});

export interface ChainLeaseRow {
  chainId: number;
  holder: string;
  epoch: number;
  expiresAt: Date;
}

export const ChainLeaseEntity = new EntitySchema<ChainLeaseRow>({
  name: 'ChainLease',
  tableName: 'chain_leases',
  columns: {
    chainId: { ...int8, name: 'chain_id', primary: true },
    holder: { type: 'text' },
    epoch: int8,
    expiresAt: { type: 'timestamptz', name: 'expires_at' },
  },
});

/** Logs and tips that could not be stored as tips. `raw` says as JSON where on the chain, as bytes: bytes always fit. */
export interface QuarantinedLogRow {
  chainId: number;
  blockHash: Hex;
  logIndex: number;
  blockNumber: number;
  code: string;
  raw: Hex;
  createdAt: Date;
}

export const QuarantinedLogEntity = new EntitySchema<QuarantinedLogRow>({
  name: 'QuarantinedLog',
  tableName: 'quarantined_logs',
  columns: {
    chainId: { ...int8, name: 'chain_id', primary: true },
    blockHash: { ...bytes, name: 'block_hash', primary: true },
    logIndex: { type: 'integer', name: 'log_index', primary: true },
    blockNumber: { ...int8, name: 'block_number' },
    code: { type: 'text' },
    raw: bytes,
    createdAt: { ...now, name: 'created_at' },
  },
});

/** Final heights that were searched for what a filter names, apart from the walk's own. Ranges of one filter never touch. */
export interface ChainCoverageRow {
  chainId: number;
  filter: string;
  fromNumber: number;
  toNumber: number;
  updatedAt: Date;
}

export const ChainCoverageEntity = new EntitySchema<ChainCoverageRow>({
  name: 'ChainCoverage',
  tableName: 'chain_coverage',
  columns: {
    chainId: { ...int8, name: 'chain_id', primary: true },
    filter: { type: 'text', primary: true },
    fromNumber: { ...int8, name: 'from_number', primary: true },
    toNumber: { ...int8, name: 'to_number' },
    updatedAt: { ...now, name: 'updated_at' },
  },
});
