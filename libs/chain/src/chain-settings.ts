import { isHex, NATIVE_TOKEN, toHex, type AcceptedToken } from '@droppio/tips';
import * as z from 'zod';

const address = z
  .string()
  .refine((text) => isHex(text) && text.length === 42, 'it must be 20 bytes of hex, such as 0x52908400098527886E0F7030069857D2E4169EE7')
  .transform((text) => toHex(text, 20));
const symbol = z.string().trim().min(1).max(16);
const decimals = z.int().min(0).max(36);
const endpoints = (protocols: RegExp, like: string) => z.array(z.url({ protocol: protocols, error: `it must look like ${like}` })).max(8);

const chain = z
  .strictObject({
    chainId: z.int().positive(),
    /** Shown in logs and metrics. */
    name: z.string().trim().min(1).max(40),
    rpcUrls: endpoints(/^https?$/, 'https://host/path').min(1, 'at least one is needed'),
    wsUrls: endpoints(/^wss?$/, 'wss://host/path').default([]),
    tipJar: address.refine((text) => text !== NATIVE_TOKEN, 'it must not be the zero address'),
    /** First block to read when the chain has no cursor yet; later changes have no effect. */
    startBlock: z.int().min(0).optional(),
    /** Blocks a tip must have on top of nothing to be committed: 1 is its own block. */
    confirmations: z.int().min(1).max(64).default(1),
    native: z.strictObject({ symbol, decimals: decimals.default(18) }),
    tokens: z.array(z.strictObject({ address, symbol, decimals })).max(1000).default([]),
    /** How often endpoints are asked for their head while no WebSocket is healthy; default: a third of the chain's block time. */
    pollMs: z.int().min(50).max(60_000).optional(),
    /** Blocks remembered to find where a fork begins; a deeper one stops the chain. */
    window: z.int().min(8).max(4096).default(256),
    /** Depth that counts as final on a chain without a `finalized` tag. */
    finalityDepth: z.int().min(1).max(4096).default(64),
  })
  .refine(({ confirmations, window }) => confirmations < window, { error: 'it must be smaller than window', path: ['confirmations'] })
  .refine(({ tokens }) => tokens.every((token) => token.address !== NATIVE_TOKEN), {
    error: 'the zero address stands for the native coin, which needs no entry',
    path: ['tokens'],
  })
  .refine(({ tokens }) => new Set(tokens.map((token) => token.address)).size === tokens.length, {
    error: 'a token is listed twice',
    path: ['tokens'],
  });

export type ChainSettings = z.output<typeof chain>;

const chains = z
  .array(chain)
  .min(1, 'at least one chain is needed')
  .max(64)
  .refine((list) => new Set(list.map(({ chainId }) => chainId)).size === list.length, 'two chains have the same chainId');

export const chainEnv = {
  CHAINS: z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: 'custom', message: 'it is not valid JSON' });
        return z.NEVER;
      }
    })
    .pipe(chains)
    .meta({
      description:
        'The chains to follow, as JSON: [{"chainId": 8453, "name": "base", "rpcUrls": ["https://…"], "wsUrls": ["wss://…"], "tipJar": "0x…", "startBlock": 1, ' +
        '"confirmations": 1, "native": {"symbol": "ETH", "decimals": 18}, "tokens": [{"address": "0x…", "symbol": "USDC", "decimals": 6}]}]. CHAINS_FILE names a file with the same.',
    }),
};

/** The chain's own coin and its tokens, by address. */
export function acceptedTokens({ native, tokens }: Pick<ChainSettings, 'native' | 'tokens'>): ReadonlyMap<string, AcceptedToken> {
  return new Map([{ ...native, address: NATIVE_TOKEN }, ...tokens].map((token) => [token.address, token]));
}

/** Fills in the defaults; throws a ZodError. For settings that do not come from the environment (dev chain, tests). */
export function chainSettings(given: z.input<typeof chain>): ChainSettings {
  return chain.parse(given);
}
