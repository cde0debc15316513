import type { Hex } from '@droppio/tips';
import * as z from 'zod';
import { address, decimals } from '../setting-fields.js';

/** Dollars for one whole token that never change. */
export interface UsdPeg {
  readonly peg: string;
}

/** A Chainlink feed, or whatever else answers `latestRoundData` and `decimals`, for the dollars of one whole token. */
export interface UsdFeed {
  readonly feed: Hex;
  /** Digits of its answers; checked against what the contract says. */
  readonly decimals: number;
  /** An answer that was older than this when the block was made is no price. */
  readonly maxAgeSec: number;
}

export type UsdSource = UsdPeg | UsdFeed;

const peg = z
  .string()
  .regex(
    /^(?=.*[1-9])\d{1,12}(\.\d{1,8})?$/,
    'a fixed price must be above zero, with at most eight digits after the point, such as "1" or "0.9995"',
  )
  .transform((usd): UsdPeg => ({ peg: usd }));
const feed = z.strictObject({
  feed: address,
  decimals: decimals.default(8),
  maxAgeSec: z
    .int({ error: 'it must say in seconds how old an answer may be: the heartbeat of the feed and a little' })
    .min(1)
    .max(31_536_000),
});

/** `"1"` or a feed. Not a union: that would only say that neither fits. */
export const usdSource = z.custom<z.input<typeof peg> | z.input<typeof feed>>().transform((given, context): UsdSource => {
  const parsed = typeof given === 'string' ? peg.safeParse(given) : feed.safeParse(given);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) context.addIssue({ ...issue });
  return z.NEVER;
});

/** A rollup's feed of whether its sequencer is up: what other feeds said while it was down, or right after, is no price. */
export const sequencer = z.strictObject({ feed: address, graceSec: z.int().min(0).max(86_400).default(3600) });
export type SequencerFeed = z.output<typeof sequencer>;
