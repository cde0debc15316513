import { randomUUID } from 'node:crypto';
import type { BlockHeader } from '../block.js';
import { TIP_TTL_MS, type TipEvent } from '../creator-event.js';
import { NATIVE_TOKEN } from '../hex.js';
import { tipId, type SightedTip, type TipDisplay } from '../tip.js';
import { shortAddress } from '../amount.js';
import { randomHex, randomInt } from './random.js';

/** Builders give something valid; a test names only the fields that matter to its reader. */
export function aBlock(fields: Partial<BlockHeader> = {}): BlockHeader {
  return {
    number: 1 + randomInt(1_000_000),
    hash: randomHex(32),
    parentHash: randomHex(32),
    timestampMs: 1_700_000_000_000 + randomInt(1_000_000) * 1000,
    logsBloom: `0x${'00'.repeat(256)}`,
    ...fields,
  };
}

export function aChildOf(parent: BlockHeader, fields: Partial<BlockHeader> = {}): BlockHeader {
  return aBlock({ number: parent.number + 1, parentHash: parent.hash, timestampMs: parent.timestampMs + 2000, ...fields });
}

export function aDisplay(fields: Partial<TipDisplay> = {}): TipDisplay {
  const txHash = fields.txHash ?? randomHex(32);
  const from = fields.from ?? randomHex(20);
  return {
    tipId: tipId({ chainId: 31337, txHash, ordinal: 0 }),
    name: shortAddress(from),
    from,
    amount: { raw: '10000000000000000', decimals: 18, symbol: 'ETH', chainId: 31337, token: NATIVE_TOKEN },
    message: `gg ${String(randomInt(1000))}`,
    ref: randomHex(32),
    txHash,
    ...fields,
  };
}

export function aTip(fields: Partial<SightedTip> = {}): SightedTip {
  const txHash = fields.txHash ?? randomHex(32);
  const ordinal = fields.ordinal ?? 0;
  const from = fields.from ?? randomHex(20);
  const amount = fields.amount ?? BigInt(1 + randomInt(1_000_000_000));
  const message = fields.message ?? `gg ${String(randomInt(1000))}`;
  const ref = fields.ref ?? randomHex(32);
  return {
    txHash,
    ordinal,
    logIndex: 0,
    creator: randomHex(20),
    from,
    token: NATIVE_TOKEN,
    amount,
    message,
    ref,
    display: aDisplay({
      tipId: tipId({ chainId: 31337, txHash, ordinal }),
      from,
      name: shortAddress(from),
      amount: { raw: amount.toString(), decimals: 18, symbol: 'ETH', chainId: 31337, token: NATIVE_TOKEN },
      message,
      ref,
      txHash,
    }),
    ...fields,
  };
}

export function aTipEvent(fields: Partial<TipEvent> = {}): TipEvent {
  const d = fields.d ?? aDisplay();
  const seen = Date.now();
  return { seq: 1, id: d.tipId, type: 'tip', at: { block: seen - 500, seen }, state: 'confirmed', rev: 1, ttlMs: TIP_TTL_MS, d, ...fields };
}

export const aCreatorId = (): string => randomUUID();
