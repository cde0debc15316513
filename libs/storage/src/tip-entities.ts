import { EntitySchema } from 'typeorm';
import type { Hex, Screening, ScreeningReason, TipDisplay, TipState } from '@droppio/tips';
import { amount, bytes, int8, now } from './columns.js';

/** One log in one block, as it was decoded there. Never deleted, and never changed but for its message, which may be erased: what a tip looked like on each branch. */
export interface TipSightingRow {
  chainId: number;
  blockHash: Hex;
  logIndex: number;
  blockNumber: number;
  txHash: Hex;
  ordinal: number;
  wallet: Hex;
  sender: Hex;
  token: Hex;
  amount: bigint;
  message: string;
  ref: Hex;
  seenAtMs: number;
}

const facts = {
  wallet: bytes,
  sender: bytes,
  token: bytes,
  amount,
  message: { type: 'text' },
  ref: bytes,
} as const;

export const TipSightingEntity = new EntitySchema<TipSightingRow>({
  name: 'TipSighting',
  tableName: 'tip_sightings',
  columns: {
    chainId: { ...int8, name: 'chain_id', primary: true },
    blockHash: { ...bytes, name: 'block_hash', primary: true },
    logIndex: { type: 'integer', name: 'log_index', primary: true },
    blockNumber: { ...int8, name: 'block_number' },
    txHash: { ...bytes, name: 'tx_hash' },
    ordinal: { type: 'integer' },
    ...facts,
    seenAtMs: { ...int8, name: 'seen_at_ms' },
  },
  indices: [{ name: 'tip_sightings_tx', columns: ['chainId', 'txHash'] }],
});

/** The payment, as the canonical chain has it now. */
export interface TipRow {
  chainId: number;
  txHash: Hex;
  ordinal: number;
  wallet: Hex;
  sender: Hex;
  token: Hex;
  amount: bigint;
  message: string;
  ref: Hex;
  /** What overlays may see; absent for tokens that are not accepted. */
  display: TipDisplay | null;
  /** The creator whose stream tells of this tip. Decided when the tip is first stored and kept: a wallet registered later gets the history, not the alerts. */
  toldTo: string | null;
  /** False while that creator waits for more blocks on top of it: nothing was told of it yet. */
  told: boolean;
  /** Height of the chain at which it may be told; null when nothing is waited for. */
  dueNumber: number | null;
  /** What became of it at its creator's rules; null: there were none when it could have been told. */
  screening: Screening | null;
  screeningReason: ScreeningReason | null;
  /** What overlays see of it where that is not its display. */
  shown: TipDisplay | null;
  /** Its message was erased, and stays away whatever block holds the tip next. */
  erased: boolean;
  state: TipState;
  rev: number;
  blockNumber: number;
  blockHash: Hex;
  blockTimeMs: number;
  logIndex: number;
  /** The block whose price was noted; while it is not the tip's own, the tip waits for one. */
  valuedBlock: Hex | null;
  createdAt: Date;
  updatedAt: Date;
}

export const TipEntity = new EntitySchema<TipRow>({
  name: 'Tip',
  tableName: 'tips',
  columns: {
    chainId: { ...int8, name: 'chain_id', primary: true },
    txHash: { ...bytes, name: 'tx_hash', primary: true },
    ordinal: { type: 'integer', primary: true },
    ...facts,
    display: { type: 'jsonb', nullable: true },
    toldTo: { type: 'uuid', name: 'told_to', nullable: true },
    told: { type: 'boolean', default: true },
    dueNumber: { ...int8, name: 'due_number', nullable: true },
    screening: { type: 'text', nullable: true },
    screeningReason: { type: 'text', name: 'screening_reason', nullable: true },
    shown: { type: 'jsonb', nullable: true },
    erased: { type: 'boolean', default: false },
    state: { type: 'text' },
    rev: { type: 'integer' },
    blockNumber: { ...int8, name: 'block_number' },
    blockHash: { ...bytes, name: 'block_hash' },
    blockTimeMs: { ...int8, name: 'block_time_ms' },
    logIndex: { type: 'integer', name: 'log_index' },
    valuedBlock: { ...bytes, name: 'valued_block', nullable: true },
    createdAt: { ...now, name: 'created_at' },
    updatedAt: { ...now, name: 'updated_at' },
  },
  indices: [
    { name: 'tips_history', columns: ['wallet', 'blockTimeMs', 'chainId', 'blockNumber', 'logIndex', 'txHash'] },
    {
      name: 'tips_open',
      columns: ['chainId', 'blockNumber'],
      where: `state = ANY (ARRAY['confirmed'::text, 'safe'::text, 'orphaned'::text])`,
    },
    { name: 'tips_due', columns: ['chainId', 'dueNumber'], where: 'due_number IS NOT NULL' },
    {
      name: 'tips_messages',
      columns: ['blockTimeMs'],
      where: `message <> ''::text AND state = ANY (ARRAY['finalized'::text, 'lost'::text, 'dropped'::text])`,
    },
    {
      name: 'tips_unvalued',
      columns: ['chainId', 'token', 'blockNumber'],
      where: `valued_block IS DISTINCT FROM block_hash AND state = ANY (ARRAY['confirmed'::text, 'safe'::text, 'finalized'::text])`,
    },
    { name: 'tips_waiting', columns: ['toldTo'], where: `screening = 'waiting'::text` },
    {
      name: 'tips_screened',
      columns: ['toldTo', 'screening', 'blockTimeMs', 'chainId', 'txHash', 'ordinal'],
      where: 'screening IS NOT NULL',
    },
    { name: 'tips_let_through', columns: ['toldTo', 'sender'], where: `screening = 'shown'::text` },
    {
      name: 'tips_told',
      columns: ['toldTo', 'blockTimeMs', 'chainId', 'txHash', 'ordinal'],
      where: `told AND told_to IS NOT NULL AND state = ANY (ARRAY['seen'::text, 'confirmed'::text, 'safe'::text, 'finalized'::text])`,
    },
    { name: 'tips_seen', columns: ['chainId', 'blockNumber'], where: `state = 'seen'::text` },
  ],
});
