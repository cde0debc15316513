import { isIP } from 'node:net';
import { parseTokenKeys } from '@droppio/protocol/overlay-token';
import * as z from 'zod';
import type { HttpOptions } from './edge/http.js';
import { CreatorsOptions, DEFAULT_QUOTA, RETENTION_DEFAULTS } from './creators-options.js';
import { DEFAULT_RATES } from './edge/rates/rate-limits.js';

const NAMED_NETWORKS = new Set(['loopback', 'linklocal', 'uniquelocal']);

const list = (fits: (entry: string) => boolean, fault: string) =>
  z
    .string()
    .default('')
    .transform((text) => text.split(/[,\s]+/).filter((entry) => entry !== ''))
    .refine((entries) => entries.every(fits), fault);

const days = (preset: number, least: number): z.ZodDefault<z.ZodCoercedNumber<string>> =>
  z.coerce.number<string>().int().min(least).max(3650).default(preset);
const perMinute = (preset: number, what: string) =>
  z.coerce
    .number('it must be a number')
    .int('it must be a whole number')
    .min(0, 'it must not be negative')
    .max(1_000_000_000)
    .default(preset)
    .meta({ description: `${what} a minute. 0: no limit.` });

/** Settings of whoever serves the API. */
export const creatorsEnv = {
  ADMIN_TOKEN: z
    .string()
    .min(32, 'it must have at least 32 characters')
    .max(512)
    .regex(/^[\x21-\x7e]*$/, 'it must be plain characters without spaces')
    .optional()
    .meta({ description: 'Secret that may register creators (POST /v1/creators), at least 32 characters. Without it nobody may.' }),
  OVERLAY_TOKEN_KEYS: z
    .string()
    .transform((text, context) => {
      try {
        return parseTokenKeys(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'it cannot be read' });
        return z.NEVER;
      }
    })
    .meta({ description: 'Keys that sign overlay URLs, `id:secret` separated by commas; the last one signs, all verify.' }),
  PUBLIC_PAGE_URL: z
    .url({ protocol: /^https?$/, error: 'it must be an address that starts with http:// or https://' })
    .transform((url) => url.replace(/\/+$/, ''))
    .meta({ description: 'Where browsers find the overlay page, e.g. https://tips.example.com/overlay.' }),
  PUBLIC_GATEWAY_URL: z
    .url({ protocol: /^wss?$/, error: 'it must be an address that starts with ws:// or wss://' })
    .transform(gatewayUrl)
    .meta({ description: 'Where overlays open their WebSocket, e.g. wss://tips.example.com/overlay (the default path).' }),
  SIGN_IN_ORIGINS: list(isOrigin, 'every entry must be an origin such as https://app.example.com').meta({
    description: 'Origins of the pages on which creators sign in with a wallet. Default: that of PUBLIC_PAGE_URL.',
  }),
  SIGN_IN_CHAINS: z
    .string()
    .default('1')
    .transform((text, context) => {
      const chains = parseChains(text);
      if (chains === undefined) context.addIssue({ code: 'custom', message: 'every entry must be a chain id, or id=RPC address' });
      return chains ?? z.NEVER;
    })
    .meta({ description: 'Chains that sign-in messages may name: `1,8453=https://rpc`. Contract wallets need the RPC address.' }),
  SIGN_UP: z
    .enum(['operator', 'open'])
    .default('operator')
    .meta({ description: 'operator: only ADMIN_TOKEN makes creators. open: anybody with a wallet becomes one.' }),
  MESSAGE_RETENTION_DAYS: days(RETENTION_DEFAULTS.messageDays, 0)
    .refine((kept) => kept === 0 || kept >= 7, 'it must be 0 or at least 7')
    .meta({ description: 'Messages of final tips are erased after so many days, at least 7. 0: they are kept.' }),
  EVENT_RETENTION_DAYS: days(RETENTION_DEFAULTS.eventDays, 7).meta({
    description: 'Events for overlays and webhooks are kept so many days; the newest 512 of each creator always.',
  }),
  AUDIT_RETENTION_DAYS: days(RETENTION_DEFAULTS.auditDays, 1).meta({ description: 'The audit log is kept so many days.' }),
  API_CORS_ORIGINS: list(isOrigin, 'every entry must be an origin such as https://app.example.com').meta({
    description: 'Origins whose pages may call the API, separated by commas. Default: none.',
  }),
  API_RATE_CALLER: perMinute(DEFAULT_RATES.caller, 'Requests with one access token or session'),
  API_RATE_CREATOR: perMinute(DEFAULT_RATES.creator, 'Requests of one creator with all their tokens and sessions'),
  API_RATE_OVERLAY: perMinute(DEFAULT_RATES.overlay, 'Requests with the token of one overlay'),
  API_RATE_ADDRESS: perMinute(
    DEFAULT_RATES.address,
    'Requests without credentials, and requests refused for ended ones or none, each, from one IPv4 address or IPv6 /64',
  ),
  API_RATE_SIGN_IN: perMinute(
    DEFAULT_RATES.signIn,
    'Nonces, sign-ins and wallets to add, each, of one creator or from one IPv4 address or IPv6 /64',
  ),
  API_RATE_TEST_ALERT: perMinute(DEFAULT_RATES.testAlert, 'Test alerts of one creator'),
  API_RATE_SETTINGS: perMinute(
    DEFAULT_RATES.settings,
    'Changes to one creator’s overlays and their reloads, trials and repeats of their webhooks, all together',
  ),
  API_RATE_STATS: perMinute(DEFAULT_RATES.stats, 'Questions for the sums of one creator’s tips'),
  API_RATE_UPLOAD: perMinute(DEFAULT_RATES.upload, 'Images and sounds that one creator uploads'),
  API_RATE_MEDIA: perMinute(DEFAULT_RATES.media, 'Images and sounds fetched by overlay pages at one IPv4 address or IPv6 /64'),
  API_RATE_FAILURES: perMinute(
    DEFAULT_RATES.failures,
    'Made-up credentials from one IPv4 address or IPv6 /64, before the operator’s token is not believed from there either,',
  ),
  ASSETS_MAX_COUNT: z.coerce
    .number<string>()
    .int()
    .min(0)
    .max(10_000)
    .default(DEFAULT_QUOTA.count)
    .meta({ description: 'Images and sounds that one creator may have. 0: none can be uploaded.' }),
  ASSETS_MAX_BYTES: z.coerce
    .number<string>()
    .int()
    .min(0)
    .max(1_073_741_824)
    .default(DEFAULT_QUOTA.bytes)
    .meta({ description: 'Bytes that the images and sounds of one creator may have together.' }),
  API_TRUSTED_PROXIES: list(isNetwork, 'every entry must be an address, a network (10.0.0.0/8), loopback, linklocal or uniquelocal').meta({
    description: 'Proxies whose X-Forwarded-For is believed, separated by commas. Default: none.',
  }),
};

type CreatorsEnv = z.output<z.ZodObject<typeof creatorsEnv>>;

export function creatorsOptions(env: CreatorsEnv): CreatorsOptions {
  return new CreatorsOptions({
    adminToken: env.ADMIN_TOKEN,
    tokenKeys: env.OVERLAY_TOKEN_KEYS,
    pageUrl: env.PUBLIC_PAGE_URL,
    gatewayUrl: env.PUBLIC_GATEWAY_URL,
    signIn: {
      origins: env.SIGN_IN_ORIGINS.length > 0 ? env.SIGN_IN_ORIGINS : [new URL(env.PUBLIC_PAGE_URL).origin],
      chains: new Set(env.SIGN_IN_CHAINS.keys()),
      nodes: new Map([...env.SIGN_IN_CHAINS].flatMap(([id, url]) => (url === undefined ? [] : [[id, url]]))),
      isSignUpOpen: env.SIGN_UP === 'open',
    },
    quota: { count: env.ASSETS_MAX_COUNT, bytes: env.ASSETS_MAX_BYTES },
    retention: { messageDays: env.MESSAGE_RETENTION_DAYS, eventDays: env.EVENT_RETENTION_DAYS, auditDays: env.AUDIT_RETENTION_DAYS },
    rates: {
      caller: env.API_RATE_CALLER,
      creator: env.API_RATE_CREATOR,
      overlay: env.API_RATE_OVERLAY,
      address: env.API_RATE_ADDRESS,
      signIn: env.API_RATE_SIGN_IN,
      testAlert: env.API_RATE_TEST_ALERT,
      settings: env.API_RATE_SETTINGS,
      stats: env.API_RATE_STATS,
      upload: env.API_RATE_UPLOAD,
      media: env.API_RATE_MEDIA,
      failures: env.API_RATE_FAILURES,
    },
  });
}

export function httpOptions(env: CreatorsEnv): HttpOptions {
  return { corsOrigins: env.API_CORS_ORIGINS, trustedProxies: env.API_TRUSTED_PROXIES };
}

function gatewayUrl(text: string): string {
  const url = new URL(text);
  return `${url.origin}${url.pathname === '/' ? '/overlay' : url.pathname}`;
}

/** `undefined` when an entry does not fit. */
function parseChains(text: string): ReadonlyMap<number, string | undefined> | undefined {
  const chains = new Map<number, string | undefined>();
  for (const entry of text.split(/[,\s]+/).filter((part) => part !== '')) {
    const [, id, url] = /^([1-9][0-9]{0,14})(?:=(https?:\/\/.+))?$/.exec(entry) ?? [];
    if (id === undefined || (url !== undefined && !URL.canParse(url))) return undefined;
    chains.set(Number(id), url);
  }
  return chains.size === 0 ? undefined : chains;
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && /^https?:/.test(text) && new URL(text).origin === text;
}

function isNetwork(text: string): boolean {
  if (NAMED_NETWORKS.has(text)) return true;
  const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && (prefix === undefined || (Number(prefix) > 0 && Number(prefix) <= (family === 4 ? 32 : 128)));
}
