import { EntitySchema } from 'typeorm';
import type { Hex, Scope } from '@droppio/tips';
import { bytes, now } from './columns.js';
import type { CreatorRow } from './creator-entities.js';

/** Access tokens by their SHA-256; the token itself is never stored. */
export interface AccessTokenRow {
  hash: Hex;
  id: string;
  creatorId: string;
  name: string;
  scopes: Scope[];
  createdAt: Date;
  lastUsedAt: Date | null;
  expiresAt: Date | null;
}

export const AccessTokenEntity = new EntitySchema<AccessTokenRow & { creator?: CreatorRow }>({
  name: 'AccessToken',
  tableName: 'access_tokens',
  columns: {
    hash: { ...bytes, primary: true, primaryKeyConstraintName: 'access_tokens_hash' },
    id: { type: 'uuid', generated: 'uuid' },
    creatorId: { type: 'uuid', name: 'creator_id' },
    name: { type: 'text', default: 'first token' },
    scopes: { type: 'text', array: true, default: () => "'{read,write,moderate,account}'" },
    createdAt: { ...now, name: 'created_at' },
    lastUsedAt: { type: 'timestamptz', name: 'last_used_at', nullable: true },
    expiresAt: { type: 'timestamptz', name: 'expires_at', nullable: true },
  },
  relations: {
    creator: {
      type: 'many-to-one',
      target: 'Creator',
      joinColumn: { name: 'creator_id', foreignKeyConstraintName: 'access_tokens_creator' },
      onDelete: 'CASCADE',
    },
  },
  uniques: [{ name: 'access_tokens_id', columns: ['id'] }],
  indices: [{ name: 'access_tokens_of', columns: ['creatorId'] }],
});
