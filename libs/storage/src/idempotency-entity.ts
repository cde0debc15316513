import { EntitySchema } from 'typeorm';
import type { Hex } from '@droppio/tips';
import { bytes, now } from './columns.js';
import type { CreatorRow } from './creator-entities.js';

/** Keys of POSTs that run or ran within the last day, with the answers to repeat. */
export interface IdempotencyKeyRow {
  creatorId: string;
  /** SHA-256 of the key. */
  keyHash: Hex;
  /** SHA-256 of what was asked. */
  fingerprint: Hex;
  /** Names the run that holds the key: one that was taken for dead can no longer answer for it. */
  owner: string;
  claimedAt: Date;
  createdAt: Date;
  /** Null while the request runs. */
  status: number | null;
  /** Null where nothing is kept: no body, a secret in it, or too much of it. */
  body: string | null;
  headers: Record<string, string> | null;
}

export const IdempotencyKeyEntity = new EntitySchema<IdempotencyKeyRow & { creator?: CreatorRow }>({
  name: 'IdempotencyKey',
  tableName: 'idempotency_keys',
  columns: {
    creatorId: { type: 'uuid', name: 'creator_id', primary: true, primaryKeyConstraintName: 'idempotency_keys_key' },
    keyHash: { ...bytes, name: 'key_hash', primary: true, primaryKeyConstraintName: 'idempotency_keys_key' },
    fingerprint: { ...bytes },
    owner: { type: 'uuid' },
    claimedAt: { ...now, name: 'claimed_at' },
    createdAt: { ...now, name: 'created_at' },
    status: { type: 'smallint', nullable: true },
    body: { type: 'text', nullable: true },
    headers: { type: 'jsonb', nullable: true },
  },
  relations: {
    creator: {
      type: 'many-to-one',
      target: 'Creator',
      joinColumn: { name: 'creator_id', foreignKeyConstraintName: 'idempotency_keys_creator' },
      onDelete: 'CASCADE',
    },
  },
  indices: [{ name: 'idempotency_keys_age', columns: ['createdAt'] }],
});
