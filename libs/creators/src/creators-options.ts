import type { AssetQuota } from '@droppio/tips';
import type { TokenKey } from '@droppio/protocol/overlay-token';
import { DEFAULT_RATES, type RateLimits } from './edge/rates/rate-limits.js';
import type { SignInRules } from './access/sign-in-message.js';

export interface SignInOptions extends SignInRules {
  /** Nodes that contract wallets are asked on, RPC address by chain id. */
  readonly nodes: ReadonlyMap<number, string>;
  /** May anybody with a wallet become a creator, or only the operator make one? */
  readonly isSignUpOpen: boolean;
}

/** Days that things are kept for. */
export interface RetentionOptions {
  /** 0: for ever. */
  readonly messageDays: number;
  readonly eventDays: number;
  readonly auditDays: number;
}

export const RETENTION_DEFAULTS: RetentionOptions = { messageDays: 365, eventDays: 30, auditDays: 365 };

/** Of images and sounds, for each creator: a look for every tier, and some to choose from. */
export const DEFAULT_QUOTA: AssetQuota = { count: 100, bytes: 50 * 1024 * 1024 };

/** What the room needs to know; a class, because it is its own injection token. */
export class CreatorsOptions {
  /** Opens `POST /v1/creators`. Without one nobody may. */
  readonly adminToken: string | undefined;
  /** Sign overlay URLs; the gateways verify with the same list. */
  readonly tokenKeys: readonly TokenKey[];
  /** Where the overlay page is served, without a trailing slash. */
  readonly pageUrl: string;
  /** Where overlays open their WebSocket: `wss://host/overlay`. */
  readonly gatewayUrl: string;
  readonly signIn: SignInOptions;
  readonly retention: RetentionOptions;
  readonly rates: RateLimits;
  readonly quota: AssetQuota;

  constructor(
    given: Pick<CreatorsOptions, 'adminToken' | 'tokenKeys' | 'pageUrl' | 'gatewayUrl' | 'signIn'> &
      Partial<Pick<CreatorsOptions, 'retention' | 'rates' | 'quota'>>,
  ) {
    this.adminToken = given.adminToken;
    this.tokenKeys = given.tokenKeys;
    this.pageUrl = given.pageUrl;
    this.gatewayUrl = given.gatewayUrl;
    this.signIn = given.signIn;
    this.retention = given.retention ?? RETENTION_DEFAULTS;
    this.rates = given.rates ?? DEFAULT_RATES;
    this.quota = given.quota ?? DEFAULT_QUOTA;
  }
}
