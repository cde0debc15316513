import { onchainTable } from 'ponder';

export const tip = onchainTable('tip', (t) => ({
  id: t.text().primaryKey(),
  txHash: t.hex().notNull(),
  blockNumber: t.bigint().notNull(),
  creator: t.hex().notNull(),
  sender: t.hex().notNull(),
  token: t.hex().notNull(),
  amount: t.bigint().notNull(),
  message: t.text().notNull(),
  ref: t.hex().notNull(),
}));
