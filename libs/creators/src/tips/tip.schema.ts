import { tipId, TIP_STATES, toHex, type HistoryPage, type StoredTip, type TipKey, type TipProof } from '@droppio/tips';
import * as z from 'zod';
import { addressShape, hashShape, pageShape, timeShape } from '../edge/fields.js';

/** `8453-0xabc…-0`. */
export const tipIdField = z.string().max(120).meta({ description: '`chainId-txHash-ordinal`.' });

const ID = /^([1-9][0-9]{0,15})-(0x[0-9a-f]{64})-(0|[1-9][0-9]{0,9})$/;
const MOST_ORDINAL = 2_147_483_647;

/** `undefined`: no tip has such an id. */
export function tipKey(id: string): TipKey | undefined {
  const [, chain, hash = '', place] = ID.exec(id) ?? [];
  const [chainId, ordinal] = [Number(chain), Number(place)];
  return Number.isSafeInteger(chainId) && ordinal <= MOST_ORDINAL ? { chainId, txHash: toHex(hash, 32), ordinal } : undefined;
}

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
      usd: z.string().optional().meta({
        description: 'What it was worth in its block, US dollars with eight digits after the point. Absent without a known price.',
      }),
      usdAt: timeShape.optional().meta({ description: 'When the source had set that price.' }),
      usdSource: z.string().optional().meta({ description: 'The price feed on that chain, or `peg` for a fixed price.' }),
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

export const TipProofView = TipView.extend({
  block: TipView.shape.block.extend({ logIndex: z.int().meta({ description: 'Place of its log in the block.' }) }),
  chainId: z.int(),
  ordinal: z.int().meta({ description: 'Which payment of its transaction.' }),
  sightings: z
    .array(
      z.object({
        block: z.object({ number: z.int(), hash: hashShape }),
        logIndex: z.int(),
        wallet: addressShape,
        raw: z.string().meta({ description: 'The amount in this block, smallest units.' }),
        seenAt: timeShape.meta({ description: 'When the block reached us.' }),
        canonical: z.boolean().meta({ description: 'This block holds the tip on the chain as it is now.' }),
      }),
    )
    .meta({ description: 'Every block that held it, oldest first, also those that the chain has left. At most 100.' }),
  told: z
    .array(
      z.object({
        seq: z.int().meta({ description: 'Number of the event in my stream.' }),
        type: z.enum(['tip', 'tip.updated', 'tip.retracted']),
        state: z.enum(TIP_STATES),
        rev: z.int(),
        at: timeShape,
      }),
    )
    .meta({ description: 'Events that told my overlays of it, the first 100. Empty for what was history already.' }),
}).meta({ id: 'TipProof', description: 'A tip and what anybody needs to look it up on the chain for himself.' });
export type TipProofView = z.output<typeof TipProofView>;

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
      ...worthView(tip.worth),
    },
    from: tip.from,
    wallet: tip.creator,
    message: tip.message,
    ref: tip.ref,
    txHash: tip.txHash,
    block: { number: tip.blockNumber, hash: tip.blockHash, at: new Date(tip.blockTimestampMs).toISOString() },
  };
}

function worthView(worth: StoredTip['worth']): Pick<TipView['amount'], 'usd' | 'usdAt' | 'usdSource'> {
  return worth === undefined ? {} : { usd: worth.usd, usdAt: new Date(worth.atMs).toISOString(), usdSource: worth.source };
}

export function tipPage({ tips, next }: HistoryPage): TipPage {
  return { data: tips.map(tipView), page: { next: next ?? null, hasMore: next !== undefined } };
}

export function tipProofView({ tip, sightings, tellings }: TipProof): TipProofView {
  const view = tipView(tip);
  return {
    ...view,
    block: { ...view.block, logIndex: tip.logIndex },
    chainId: tip.chainId,
    ordinal: tip.ordinal,
    sightings: sightings.map(({ blockNumber, blockHash, logIndex, wallet, amount, seenAtMs, isCanonical }) => ({
      block: { number: blockNumber, hash: blockHash },
      logIndex,
      wallet,
      raw: amount.toString(),
      seenAt: new Date(seenAtMs).toISOString(),
      canonical: isCanonical,
    })),
    told: tellings.map(({ atMs, ...telling }) => ({ ...telling, at: new Date(atMs).toISOString() })),
  };
}
