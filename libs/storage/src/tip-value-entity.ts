import { EntitySchema } from 'typeorm';
import type { Hex } from '@droppio/tips';
import { bytes, int8, now } from './columns.js';

/** What a tip was worth in the block `blockHash`, or why nobody can say. Counts only while the tip is in that block. */
export interface TipValueRow {
  chainId: number;
  txHash: Hex;
  ordinal: number;
  blockHash: Hex;
  /** Decimal strings: numbers of this size are no floats. */
  usd: string | null;
  price: string | null;
  source: string | null;
  roundId: string | null;
  pricedAt: Date | null;
  unavailable: string | null;
  failures: number;
  retryAt: Date | null;
  createdAt: Date;
}

export const TipValueEntity = new EntitySchema<TipValueRow>({
  name: 'TipValue',
  tableName: 'tip_values',
  columns: {
    chainId: { ...int8, name: 'chain_id', primary: true },
    txHash: { ...bytes, name: 'tx_hash', primary: true },
    ordinal: { type: 'integer', primary: true },
    blockHash: { ...bytes, name: 'block_hash' },
    usd: { type: 'numeric', precision: 38, scale: 8, nullable: true },
    price: { type: 'numeric', nullable: true },
    source: { type: 'text', nullable: true },
    roundId: { type: 'numeric', precision: 25, scale: 0, name: 'round_id', nullable: true },
    pricedAt: { type: 'timestamptz', name: 'priced_at', nullable: true },
    unavailable: { type: 'text', nullable: true },
    failures: { type: 'integer', default: 0 },
    retryAt: { type: 'timestamptz', name: 'retry_at', nullable: true },
    createdAt: { ...now, name: 'created_at' },
  },
  foreignKeys: [
    {
      name: 'tip_values_tip',
      target: 'Tip',
      columnNames: ['chainId', 'txHash', 'ordinal'],
      referencedColumnNames: ['chainId', 'txHash', 'ordinal'],
      onDelete: 'CASCADE',
    },
  ],
  indices: [{ name: 'tip_values_retry', columns: ['chainId', 'retryAt'], where: 'retry_at IS NOT NULL' }],
});
