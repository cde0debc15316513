import { BLOCK_ACTIONS, MODERATION_MODES, type ModerationRules } from '@droppio/tips';
import * as z from 'zod';

const Hex = z.templateLiteral(['0x', z.string()]);

/** A row of `moderation_rules` on its way out. What may be stored is asked at the door of the API; here only what the words need. */
export const StoredRules = z.object({
  schemaVersion: z.literal(1),
  mode: z.enum(MODERATION_MODES),
  holdFirstTime: z.boolean(),
  blockList: z.object({ entries: z.array(z.string()), useStandard: z.boolean(), action: z.enum(BLOCK_ACTIONS) }),
  stripLinks: z.boolean(),
  maxMessageChars: z.number(),
  collapseRepeats: z.boolean(),
  hideSenders: z.boolean(),
  acceptance: z.object({
    chains: z.array(z.number()).nullable(),
    tokens: z.array(z.object({ chainId: z.number(), token: Hex, min: z.string(), minForMessage: z.string() })),
    otherTokens: z.boolean(),
  }),
}) satisfies z.ZodType<ModerationRules>;
