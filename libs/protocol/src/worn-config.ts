import {
  ANCHORS,
  CATCH_UP_MODES,
  COMPARISONS,
  DEFAULT_OVERLAY_CONFIG,
  INSTANCE_MODES,
  MOTIONS,
  QUEUE_POLICIES,
  WIDGETS,
  type OverlayConfig,
} from '@droppio/tips';
import * as z from 'zod/mini';
import { changedLook, fitting, fittingOf, over, share, whole, WornLook } from './worn-look.js';
import { chainId, raw, token, usd, wornWidgets } from './worn-widgets.js';

const TIERS_MAX = 20;
const LIST_MAX = 16;

const op = z.enum(COMPARISONS);
const list = <One extends z.ZodMiniType>(one: One) => z.array(one).check(z.maxLength(LIST_MAX));

const Condition = z.discriminatedUnion('field', [
  z.object({ field: z.literal('amount'), chainId, token, op, raw }),
  z.object({ field: z.literal('usd'), op, value: usd }),
  z.object({ field: z.literal('hasMessage'), is: z.boolean() }),
  z.object({ field: z.literal('chainId'), in: list(chainId) }),
  z.object({ field: z.literal('token'), in: list(z.object({ chainId, token })) }),
]);

/** A condition that is not known is never met, so a tier with one is as if it were not there. What it changes is read part by part. */
const Tier = z.object({
  id: z.string().check(z.regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/)),
  name: z.catch(z.string().check(z.maxLength(400)), ''),
  priority: z.catch(z.number(), 0),
  when: z._default(z.object({ all: z._default(list(Condition), []) }), { all: [] }),
  override: WornLook,
  queue: z.catch(z.enum(QUEUE_POLICIES), 'queue'),
});

const CatchUp = fitting({
  mode: z.enum(CATCH_UP_MODES),
  maxAgeSec: whole(0, 86_400),
  maxAlerts: whole(0, 100),
  onlyWhileLive: z.boolean(),
});

const Worn = fitting({
  widget: z.enum(WIDGETS),
  canvas: fitting({ anchor: z.enum(ANCHORS), marginPct: share(0, 25), maxWidthPct: share(10, 100), scale: share(0.5, 3) }),
  motion: z.enum(MOTIONS),
  defaults: WornLook,
  tiers: fittingOf(Tier, TIERS_MAX),
  moderation: fitting({
    showMessages: z.boolean(),
    maxMessageChars: whole(0, 280),
    stripLinks: z.boolean(),
    minToShowMessage: fittingOf(z.object({ chainId, token, raw }), LIST_MAX),
  }),
  catchUp: CatchUp,
  instances: z.enum(INSTANCE_MODES),
  restAfterSec: z.nullable(whole(1, 3600)),
  linkDot: z.boolean(),
  ...wornWidgets,
  paused: z.boolean(),
  muted: z.boolean(),
});

/** What a page reads of a `config` or `ready` frame: the overlay's document, and beside it what the creator's desk says. */
export interface WornConfig extends OverlayConfig {
  /** While true alerts wait. The server's word over what the page remembers; absent: it has none. */
  readonly paused?: boolean | undefined;
  readonly muted?: boolean | undefined;
}

/**
 * The document as a page wears it, whichever version wrote it. Every field is read by itself: what is missing or does not fit is as in
 * `DEFAULT_OVERLAY_CONFIG`, of lists it is left out, and what is not known is not looked at. A valid document is worn exactly as it is. Never throws.
 */
export function wornConfig(config: Readonly<Record<string, unknown>>): WornConfig {
  const { canvas, defaults, moderation, catchUp, ticker, ...rest } = Worn.parse(ofTheFirstVersion(config));
  const D = DEFAULT_OVERLAY_CONFIG;
  return {
    ...over<WornConfig>(D, rest),
    canvas: over(D.canvas, canvas),
    defaults: changedLook(D.defaults, defaults ?? {}),
    moderation: over(D.moderation, moderation),
    catchUp: over(D.catchUp, catchUp),
    ticker: over(D.ticker, ticker),
  };
}

/** For how long after its block a missed tip may still play by itself, as the page of this overlay will judge. Never throws. */
export function catchUpMs(config: Readonly<Record<string, unknown>>): number {
  return over(DEFAULT_OVERLAY_CONFIG.catchUp, CatchUp.parse(config['catchUp'])).maxAgeSec * 1000;
}

/** It had one field, at the top. */
function ofTheFirstVersion(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { ...('durationMs' in config && { defaults: { durationMs: config['durationMs'] } }), ...config };
}
