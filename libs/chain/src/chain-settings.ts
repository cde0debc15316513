import { NATIVE_TOKEN, type AcceptedToken, type Hex } from '@droppio/tips';
import * as z from 'zod';
import { sequencer, usdSource, type UsdSource } from './prices/usd-settings.js';
import { address, decimals, symbol } from './setting-fields.js';

const endpoints = (protocols: RegExp, like: string) => z.array(z.url({ protocol: protocols, error: `it must look like ${like}` })).max(8);

const quorum = z
  .strictObject({
    above: z
      .array(
        z.strictObject({
          /** A listed token, or the zero address for the native coin. */
          token: address,
          amount: z
            .string()
            .regex(/^\d{1,78}$/, 'it must be a whole number of the smallest units, in quotes, such as "1000000000000000000"')
            .transform(BigInt),
        }),
      )
      .max(1000)
      .default([]),
    finalized: z.boolean().default(true),
  })
  .refine(({ above, finalized }) => above.length > 0 || finalized, 'it asks for nothing: name amounts in above, or set finalized')
  .refine(({ above }) => new Set(above.map(({ token }) => token)).size === above.length, {
    error: 'a token is listed twice',
    path: ['above'],
  });

/** Several addresses on one host and port are one provider: what one of them gets wrong the others do, too. */
const providers = (urls: readonly string[]): number => new Set(urls.map((url) => (URL.canParse(url) ? new URL(url).host : url))).size;

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
    /** `usd`: what a whole coin or token is worth in dollars, by a feed on this chain, or `"1"` for what is held to be that. */
    native: z.strictObject({ symbol, decimals: decimals.default(18), usd: usdSource.optional() }),
    tokens: z
      .array(z.strictObject({ address, symbol, decimals, usd: usdSource.optional() }))
      .max(1000)
      .default([]),
    /** For rollups: asked before any price is believed. */
    sequencer: sequencer.optional(),
    /**
     * Payments straight to a creator's wallet, not through the jar. `tokens`: ERC-20 transfers of the listed tokens. `native`: the coins that a
     * transaction itself sends (not what a contract passes on inside, such as a Safe), which takes the whole of every block from the nodes.
     */
    transfers: z.strictObject({ tokens: z.boolean().default(true), native: z.boolean().default(false) }).prefault({}),
    /** How often endpoints are asked for their head while no WebSocket is healthy; default: a third of the chain's block time. */
    pollMs: z.int().min(50).max(60_000).optional(),
    /**
     * Hear of tips before their block is sealed, where the chain's nodes promise them: `pendingLogs` by a subscription of that name on wsUrls
     * (Base flashblocks), `pending` by asking for the logs of the pending block. Told to creators with alertAfter 0; taken back when no block holds them after
     * `dropAfter` more.
     */
    preconfirmations: z
      .strictObject({ source: z.enum(['pendingLogs', 'pending']), dropAfter: z.int().min(1).max(64).default(2) })
      .optional(),
    /** Blocks remembered to find where a fork begins; a deeper one stops the chain. */
    window: z.int().min(8).max(4096).default(256),
    /** Depth that counts as final on a chain without a `finalized` tag. */
    finalityDepth: z.int().min(1).max(4096).default(64),
    /**
     * Two providers must agree. `above`: on the logs of every block that may hold some, before it is stored; only where nothing they differ in
     * reaches these amounts may one prevail alone. `finalized`: on what was stored, before it is called final.
     */
    quorum: quorum.optional(),
  })
  .refine(({ preconfirmations, wsUrls }) => preconfirmations?.source !== 'pendingLogs' || wsUrls.length > 0, {
    error: 'pendingLogs is a subscription, so wsUrls must name at least one endpoint',
    path: ['preconfirmations'],
  })
  .refine(({ confirmations, window }) => confirmations < window, { error: 'it must be smaller than window', path: ['confirmations'] })
  .refine(({ tipJar, tokens }) => tokens.every((token) => token.address !== tipJar), {
    error: 'the tip jar is not a token',
    path: ['tokens'],
  })
  .refine(({ tokens }) => tokens.every((token) => token.address !== NATIVE_TOKEN), {
    error: 'the zero address stands for the native coin, which needs no entry',
    path: ['tokens'],
  })
  .refine(({ tokens }) => new Set(tokens.map((token) => token.address)).size === tokens.length, {
    error: 'a token is listed twice',
    path: ['tokens'],
  })
  .refine(
    ({ sequencer: asked, native, tokens }) =>
      asked === undefined || [native, ...tokens].some(({ usd }) => usd !== undefined && 'feed' in usd),
    {
      error: 'no coin or token has a price feed, so nothing is asked of it',
      path: ['sequencer'],
    },
  )
  .refine(({ quorum: asked, rpcUrls }) => asked === undefined || providers(rpcUrls) >= 2, {
    error: 'it needs rpcUrls of at least two providers, on different hosts',
    path: ['quorum'],
  })
  .refine(
    ({ quorum: asked, tokens }) =>
      asked?.above.every(({ token }) => token === NATIVE_TOKEN || tokens.some((listed) => listed.address === token)) !== false,
    { error: 'a token is neither the zero address (the native coin) nor among tokens', path: ['quorum', 'above'] },
  );

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
        '"confirmations": 1, "native": {"symbol": "ETH", "decimals": 18}, "tokens": [{"address": "0x…", "symbol": "USDC", "decimals": 6}], "transfers": {"tokens": true, "native": false}}]. CHAINS_FILE names a file with the same. ' +
        'transfers: payments straight to a wallet count as tips, too; tokens: transfers of the listed tokens (preset true), native: what a transaction itself sends ' +
        '(preset false; takes whole blocks from the nodes; what a contract passes on inside, such as a Safe, is not seen). ' +
        'usd on native and on tokens, optional: what a whole one is worth in dollars, {"feed": "0x…", "maxAgeSec": 90000} (a Chainlink feed on this chain) or "1". ' +
        'quorum, optional: {"above": [{"token": "0x…", "amount": "1000000000000000000"}], "finalized": true}: two providers must agree on blocks with tips of such ' +
        'an amount (smallest units; the zero address is the native coin) before they are stored, and on everything before it is called final.',
    }),
};

/** What has a price in dollars, by address. */
export function pricedTokens({ native, tokens }: Pick<ChainSettings, 'native' | 'tokens'>): ReadonlyMap<Hex, PricedToken> {
  const all = [{ ...native, address: NATIVE_TOKEN }, ...tokens];
  return new Map(
    all.flatMap(({ address: token, decimals: digits, usd }) => (usd === undefined ? [] : [[token, { decimals: digits, usd }] as const])),
  );
}

export interface PricedToken {
  readonly decimals: number;
  readonly usd: UsdSource;
}

/** The chain's own coin and its tokens, by address. */
export function acceptedTokens({ native, tokens }: Pick<ChainSettings, 'native' | 'tokens'>): ReadonlyMap<string, AcceptedToken> {
  return new Map([{ ...native, address: NATIVE_TOKEN }, ...tokens].map((token) => [token.address, token]));
}

/** Are there transfers to look for, so that the wallets of all creators must be known? */
export function watchesWallets({ tokens, transfers }: Pick<ChainSettings, 'tokens' | 'transfers'>): boolean {
  return transfers.native || (transfers.tokens && tokens.length > 0);
}

/** Fills in the defaults; throws a ZodError. For settings that do not come from the environment (dev chain, tests). */
export function chainSettings(given: z.input<typeof chain>): ChainSettings {
  return chain.parse(given);
}
