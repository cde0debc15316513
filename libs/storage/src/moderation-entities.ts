import { EntitySchema } from 'typeorm';
import type { ModerationRules } from '@droppio/tips';
import { now } from './columns.js';

/** What a creator lets on the screen. Its version, and whether it screens at all, stand in the creator's stream. */
export interface ModerationRulesRow {
  creatorId: string;
  rules: ModerationRules;
  updatedAt: Date;
}

export const ModerationRulesEntity = new EntitySchema<ModerationRulesRow & { creator?: unknown }>({
  name: 'ModerationRules',
  tableName: 'moderation_rules',
  columns: {
    creatorId: { type: 'uuid', name: 'creator_id', primary: true },
    rules: { type: 'jsonb' },
    updatedAt: { ...now, name: 'updated_at' },
  },
  relations: {
    creator: {
      type: 'many-to-one',
      target: 'Creator',
      joinColumn: { name: 'creator_id', foreignKeyConstraintName: 'moderation_rules_creator' },
      onDelete: 'CASCADE',
    },
  },
});
