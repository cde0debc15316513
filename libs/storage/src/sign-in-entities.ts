import { EntitySchema } from 'typeorm';
import type { Hex } from '@droppio/tips';
import { bytes, int8, now } from './columns.js';
import type { CreatorRow } from './creator-entities.js';

/** Nonces that were used, until they would have expired anyway: the proof that none is used twice. */
export interface SpentNonceRow {
  hash: Hex;
  expiresAt: Date;
}

export const SpentNonceEntity = new EntitySchema<SpentNonceRow>({
  name: 'SpentNonce',
  tableName: 'spent_nonces',
  columns: {
    hash: { ...bytes, primary: true, primaryKeyConstraintName: 'spent_nonces_hash' },
    expiresAt: { type: 'timestamptz', name: 'expires_at' },
  },
  indices: [{ name: 'spent_nonces_expiry', columns: ['expiresAt'] }],
});

/** Signed-in browsers, by the SHA-256 of their secret. */
export interface SessionRow {
  id: string;
  secretHash: Hex;
  creatorId: string;
  agent: string;
  idleMs: number;
  createdAt: Date;
  seenAt: Date;
  expiresAt: Date;
}

export const SessionEntity = new EntitySchema<SessionRow & { creator?: CreatorRow }>({
  name: 'Session',
  tableName: 'sessions',
  columns: {
    id: { type: 'uuid', primary: true },
    secretHash: { ...bytes, name: 'secret_hash' },
    creatorId: { type: 'uuid', name: 'creator_id' },
    agent: { type: 'text' },
    idleMs: { ...int8, name: 'idle_ms' },
    createdAt: { ...now, name: 'created_at' },
    seenAt: { ...now, name: 'seen_at' },
    expiresAt: { type: 'timestamptz', name: 'expires_at' },
  },
  relations: {
    creator: {
      type: 'many-to-one',
      target: 'Creator',
      joinColumn: { name: 'creator_id', foreignKeyConstraintName: 'sessions_creator' },
      onDelete: 'CASCADE',
    },
  },
  uniques: [{ name: 'sessions_secret', columns: ['secretHash'] }],
  indices: [{ name: 'sessions_of', columns: ['creatorId', 'createdAt'] }],
});
