import { EntitySchema } from 'typeorm';
import type { AuditActor, AuditOutcome, Hex } from '@droppio/tips';
import { bytes, int8, now } from './columns.js';
import type { CreatorRow } from './creator-entities.js';

export interface AuditEntryRow {
  id: string;
  /** Null: an entry of the operator's. */
  creatorId: string | null;
  at: Date;
  actor: AuditActor['kind'];
  actorId: string | null;
  operation: string;
  targets: Record<string, string>;
  outcome: AuditOutcome;
  code: string | null;
  requestId: string;
  network: string | null;
}

export const AuditEntryEntity = new EntitySchema<AuditEntryRow & { creator?: CreatorRow }>({
  name: 'AuditEntry',
  tableName: 'audit_entries',
  columns: {
    id: { type: 'uuid', primary: true },
    creatorId: { type: 'uuid', name: 'creator_id', nullable: true },
    at: { ...now, precision: 3 },
    actor: { type: 'text' },
    actorId: { type: 'text', name: 'actor_id', nullable: true },
    operation: { type: 'text' },
    targets: { type: 'jsonb' },
    outcome: { type: 'text' },
    code: { type: 'text', nullable: true },
    requestId: { type: 'text', name: 'request_id' },
    network: { type: 'text', nullable: true },
  },
  relations: {
    creator: {
      type: 'many-to-one',
      target: 'Creator',
      joinColumn: { name: 'creator_id', foreignKeyConstraintName: 'audit_entries_creator' },
      onDelete: 'CASCADE',
      nullable: true,
    },
  },
  indices: [
    { name: 'audit_entries_of', columns: ['creatorId', 'at', 'id'] },
    { name: 'audit_entries_by_operation', columns: ['creatorId', 'operation', 'at', 'id'] },
    { name: 'audit_entries_age', columns: ['at'] },
  ],
});

/** Work that one process at a time does for all of them. */
export interface ChoreRow {
  name: string;
  takenUntil: Date;
}

export const ChoreEntity = new EntitySchema<ChoreRow>({
  name: 'Chore',
  tableName: 'chores',
  columns: {
    name: { type: 'text', primary: true, primaryKeyConstraintName: 'chores_name' },
    takenUntil: { type: 'timestamptz', name: 'taken_until' },
  },
});

/** Accounts that were deleted and whose feed is still to be emptied. */
export interface ErasedAccountRow {
  creatorId: string;
  epoch: string;
  head: number;
  erasedAt: Date;
}

export const ErasedAccountEntity = new EntitySchema<ErasedAccountRow>({
  name: 'ErasedAccount',
  tableName: 'erased_accounts',
  columns: {
    creatorId: { type: 'uuid', name: 'creator_id', primary: true, primaryKeyConstraintName: 'erased_accounts_creator' },
    epoch: { type: 'text' },
    head: int8,
    erasedAt: { ...now, name: 'erased_at' },
  },
});

/** Wallets of accounts that were deleted: messages of tips to them from before are still to go. */
export interface ErasedWalletRow {
  address: Hex;
  erasedAt: Date;
  dueAt: Date;
  /** How far along the wallet's tips; null: at the first. */
  place: unknown;
  /** It had left the account before: tips that somebody else was told of stay as they are. */
  isFormer: boolean;
}

export const ErasedWalletEntity = new EntitySchema<ErasedWalletRow>({
  name: 'ErasedWallet',
  tableName: 'erased_wallets',
  columns: {
    address: { ...bytes, primary: true, primaryKeyConstraintName: 'erased_wallets_address' },
    erasedAt: { ...now, name: 'erased_at' },
    dueAt: { ...now, name: 'due_at' },
    place: { type: 'jsonb', nullable: true },
    isFormer: { type: 'boolean', name: 'is_former', default: false },
  },
  indices: [{ name: 'erased_wallets_due', columns: ['dueAt'] }],
});

/** Tips whose message was erased while a reorg could still bring it back. */
export interface ErasedMessageRow {
  chainId: number;
  txHash: Hex;
  ordinal: number;
  erasedAt: Date;
  dueAt: Date;
}

export const ErasedMessageEntity = new EntitySchema<ErasedMessageRow>({
  name: 'ErasedMessage',
  tableName: 'erased_messages',
  columns: {
    chainId: { ...int8, name: 'chain_id', primary: true },
    txHash: { ...bytes, name: 'tx_hash', primary: true },
    ordinal: { type: 'integer', primary: true },
    erasedAt: { ...now, name: 'erased_at' },
    dueAt: { ...now, name: 'due_at' },
  },
  indices: [{ name: 'erased_messages_due', columns: ['dueAt'] }],
});
