import { SetMetadata, type ExecutionContext } from '@nestjs/common';
import { normalizeIp, type ThrottlerOptions } from '@nestjs/throttler';
import type { Request } from 'express';
import { callerOf } from '../../access/access.js';

/** How often something may happen within `RATE_WINDOW_MS`; 0: as often as it likes. */
export interface RateLimits {
  /** Requests with one token or session. */
  readonly caller: number;
  /** Requests of one creator with all their tokens and sessions. */
  readonly creator: number;
  /** Requests with one overlay's token. */
  readonly overlay: number;
  /** Requests without credentials, and refusals of ended credentials or none, each, from one IPv4 address or IPv6 /64. */
  readonly address: number;
  /** Nonces and sign-ins from one address, nonces and wallets to add of one creator, each: a signature may cost a node’s time. */
  readonly signIn: number;
  /** Test alerts of one creator. */
  readonly testAlert: number;
  /** What makes one creator's overlays or webhooks follow, all together: each leaves an event or a delivery behind. */
  readonly settings: number;
  /** Sums of one creator's tips, which read an entry for each of the tippers. */
  readonly stats: number;
  /** Files that one creator uploads: each is decoded. */
  readonly upload: number;
  /** Files that pages at one address fetch. */
  readonly media: number;
  /** Made-up credentials from one address; after that none that somebody may have guessed are believed until the window ends. */
  readonly failures: number;
}

export const RATE_WINDOW_MS = 60_000;

export const DEFAULT_RATES: RateLimits = {
  caller: 600,
  creator: 1200,
  overlay: 3000,
  address: 120,
  signIn: 20,
  testAlert: 30,
  settings: 60,
  stats: 120,
  upload: 30,
  media: 600,
  failures: 10,
};

const BUDGET = 'droppio:budget';
type Budget = 'signIn' | 'testAlert' | 'settings' | 'stats' | 'upload' | 'media';

/** A route with a budget of its own, besides those that all have. */
export const Budgeted = (budget: Budget): MethodDecorator => SetMetadata(BUDGET, budget);

type Tracker = (request: Request, context: ExecutionContext) => string | undefined;

/** Whose hits a limit counts; `undefined`: the limit is not about this request. The operator is not limited: who has that token needs no API. */
const TRACKERS: Readonly<Record<Exclude<keyof RateLimits, 'failures'>, Tracker>> = {
  address: (request, context) => (callerOf(request) === undefined && budgetOf(context) !== 'media' ? addressOf(request) : undefined),
  signIn: (request, context) =>
    budgetOf(context) === 'signIn'
      ? `${context.getClass().name}.${context.getHandler().name}:${changerOf(request) ?? addressOf(request)}`
      : undefined,
  overlay: (request) => {
    const caller = callerOf(request);
    return caller?.role === 'overlay' ? caller.claim.overlayId : undefined;
  },
  caller: (request) => {
    const caller = callerOf(request);
    return caller?.role === 'creator' ? (caller.token ?? caller.session)?.id : undefined;
  },
  creator: creatorOf,
  testAlert: (request, context) => (budgetOf(context) === 'testAlert' ? changerOf(request) : undefined),
  settings: (request, context) => (budgetOf(context) === 'settings' ? changerOf(request) : undefined),
  stats: (request, context) => (budgetOf(context) === 'stats' ? creatorOf(request) : undefined),
  upload: (request, context) => (budgetOf(context) === 'upload' ? changerOf(request) : undefined),
  // Apart from the others of an address: whoever shows many images may still sign in.
  media: (request, context) => (budgetOf(context) === 'media' ? addressOf(request) : undefined),
};

/** One entry per limit that is on. */
export function throttlersOf(limits: RateLimits): ThrottlerOptions[] {
  return names(TRACKERS)
    .filter((name) => limits[name] > 0)
    .map((name) => ({
      name,
      limit: limits[name],
      ttl: RATE_WINDOW_MS,
      skipIf: (context) => TRACKERS[name](requestOf(context), context) === undefined,
      getTracker: (_request, context) => TRACKERS[name](requestOf(context), context) ?? '',
    }));
}

/** What limits count by: an IPv4 address, or the /64 of an IPv6 one, since one subscriber owns all of it. */
export function addressOf(request: Request): string {
  return normalizeIp(request.ip ?? 'unknown');
}

function creatorOf(request: Request): string | undefined {
  const caller = callerOf(request);
  return caller?.role === 'creator' ? caller.creator.id : undefined;
}

/** The creator for whom somebody asks who may change something. Others are refused, and use up nothing of what those have. */
function changerOf(request: Request): string | undefined {
  const caller = callerOf(request);
  const isChanger = caller?.role === 'creator' && caller.scopes.some((scope) => scope !== 'read');
  return isChanger ? caller.creator.id : undefined;
}

function budgetOf(context: ExecutionContext): unknown {
  return Reflect.getMetadata(BUDGET, context.getHandler());
}

function requestOf(context: ExecutionContext): Request {
  return context.switchToHttp().getRequest<Request>();
}

function names<T extends object>(object: T): (keyof T)[] {
  return Object.keys(object) as (keyof T)[];
}
