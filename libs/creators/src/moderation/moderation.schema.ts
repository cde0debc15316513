import { BLOCK_ACTIONS, isBlockable, MODERATION_LIMITS, MODERATION_MODES, SHOW_EVERYTHING, toHex, type Hex } from '@droppio/tips';
import * as z from 'zod';

const { entries: MOST_ENTRIES, entryChars, tokens: MOST_TOKENS, chains: MOST_CHAINS, messageChars } = MODERATION_LIMITS;
const D = SHOW_EVERYTHING;

const raw = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,77})$/, 'must be a decimal string of smallest units')
  .default('0');
const chainId = z.int().min(1);
/** Any token, the chain's own coin (0x000…) too, so no checksum is asked for. */
const token: z.ZodType<Hex, string> = z
  .templateLiteral(['0x', z.string().regex(/^[0-9a-fA-F]{40}$/)])
  .overwrite((text) => toHex(text))
  .meta({ description: 'Address of the token; 0x000… is the chain’s own coin.' });

const entry = z
  .string()
  .min(1)
  .max(entryChars)
  .regex(/^[^*]*\*?$/, 'may have a * at its end only')
  .refine(isBlockable, 'holds no letter or digit');

const BlockListDocument = z.strictObject({
  entries: z
    .array(entry)
    .max(MOST_ENTRIES)
    .default([])
    .meta({ description: 'Words or phrases, found whole and however they are written; a trailing * stands for any ending.' }),
  useStandard: z.boolean().default(D.blockList.useStandard).meta({ description: 'Also a short list of slurs, in English.' }),
  action: z.enum(BLOCK_ACTIONS).default(D.blockList.action),
});

const tokens = z
  .array(
    z.strictObject({
      chainId,
      token,
      min: raw.meta({ description: 'A smaller tip is not shown. Smallest units.' }),
      minForMessage: raw.meta({ description: 'A smaller tip is shown without its message. Smallest units.' }),
    }),
  )
  .max(MOST_TOKENS)
  .default([])
  .refine((all) => new Set(all.map((one) => `${String(one.chainId)} ${one.token}`)).size === all.length, 'names a token twice');

const AcceptanceDocument = z.strictObject({
  chains: z.array(chainId).max(MOST_CHAINS).nullable().default(null).meta({ description: 'null: all chains of this server.' }),
  tokens,
  otherTokens: z.boolean().default(true).meta({ description: 'Are tokens accepted that are not named above?' }),
});

/** What a creator lets on the screen. Everything has a default: `{}` shows everything. */
export const ModerationDocument = z.strictObject({
  schemaVersion: z.literal(1).default(1),
  mode: z.enum(MODERATION_MODES).default(D.mode).meta({ description: '`hold`: every tip waits for a person.' }),
  holdFirstTime: z.boolean().default(D.holdFirstTime).meta({ description: 'A sender who is new waits for a person.' }),
  blockList: BlockListDocument.prefault({}),
  stripLinks: z.boolean().default(D.stripLinks),
  maxMessageChars: z.int().min(0).max(messageChars).default(D.maxMessageChars),
  collapseRepeats: z.boolean().default(D.collapseRepeats).meta({ description: 'More than three of the same in a row become three.' }),
  hideSenders: z
    .boolean()
    .default(D.hideSenders)
    .meta({ description: 'Overlays learn neither name nor address of a sender. The chain stays public.' }),
  acceptance: AcceptanceDocument.prefault({}),
});
export type ModerationDocument = z.output<typeof ModerationDocument>;

export const QueueBody = z.strictObject({
  paused: z.boolean().meta({ description: 'Alerts wait; the one on the screen ends.' }),
  muted: z.boolean().meta({ description: 'Alerts play without sound.' }),
});

export const CommandView = z.object({ id: z.string().meta({ description: 'Of the event that was sent.' }) }).meta({ id: 'Command' });
