import { tipId, TIP_STATES, type HistoryPage, type StoredTip } from '@droppio/tips';
import * as z from 'zod';
import { addressShape, hashShape, pageQuery, pageShape, timeShape } from '../edge/fields.js';

export const TipsQuery = z.strictObject(pageQuery);
export type TipsQuery = z.output<typeof TipsQuery>;

export const TipView = z
  .object({
    id: z.string().meta({ description: '`chainId-txHash-ordinal`.' }),
    state: z.enum(TIP_STATES),
    rev: z.int().meta({ description: 'Raised by each visible change.' }),
    amount: z.object({
      raw: z.string().meta({ description: 'Smallest units, a decimal string: never a float.' }),
      decimals: z.int().optional(),
      symbol: z.string().optional().meta({ description: 'Absent for a token that the operator has not listed.' }),
      chainId: z.int(),
      token: addressShape,
    }),
    from: addressShape,
    wallet: addressShape.meta({ description: 'The wallet that was tipped.' }),
    message: z.string(),
    ref: hashShape,
    txHash: hashShape,
    block: z.object({ number: z.int(), hash: hashShape, at: timeShape }),
  })
  .meta({ id: 'Tip' });
export type TipView = z.output<typeof TipView>;

export const TipPage = z.object({ data: z.array(TipView), page: pageShape }).meta({ id: 'TipPage' });
export type TipPage = z.output<typeof TipPage>;

export function tipView(tip: StoredTip): TipView {
  return {
    id: tipId(tip),
    state: tip.state,
    rev: tip.rev,
    amount: {
      raw: tip.amount.toString(),
      ...(tip.decimals === undefined ? {} : { decimals: tip.decimals }),
      ...(tip.symbol === undefined ? {} : { symbol: tip.symbol }),
      chainId: tip.chainId,
      token: tip.token,
    },
    from: tip.from,
    wallet: tip.creator,
    message: tip.message,
    ref: tip.ref,
    txHash: tip.txHash,
    block: { number: tip.blockNumber, hash: tip.blockHash, at: new Date(tip.blockTimestampMs).toISOString() },
  };
}

export function tipPage({ tips, next }: HistoryPage): TipPage {
  return { data: tips.map(tipView), page: { next: next ?? null, hasMore: next !== undefined } };
}
