import * as z from 'zod';
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
  type OverlayTier,
} from './overlay-config.js';
import { line, LookChangeDocument, LookDocument, share, whole } from './overlay-look-schema.js';
import { chainId, raw, token, usd, widgetFields } from './overlay-widget-schema.js';

/** Every `ready` and `config` frame carries the document whole, and every gateway keeps one for each overlay that is open on it. */
export const CONFIG_MAX_BYTES = 16 * 1024;
const TIERS_MAX = 20;
const CONDITIONS_MAX = 8;
const D = DEFAULT_OVERLAY_CONFIG;

const op = z.enum(COMPARISONS);

const Condition = z.discriminatedUnion('field', [
  z.strictObject({ field: z.literal('amount'), chainId, token, op, raw }),
  z.strictObject({ field: z.literal('usd'), op, value: usd }),
  z.strictObject({ field: z.literal('hasMessage'), is: z.boolean() }),
  z.strictObject({ field: z.literal('chainId'), in: z.array(chainId).min(1).max(16) }),
  z.strictObject({ field: z.literal('token'), in: z.array(z.strictObject({ chainId, token })).min(1).max(16) }),
]);

const Tier = z.strictObject({
  id: z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/, 'must be a short name of a-z, 0-9 and -'),
  name: line(50).default(''),
  priority: whole(0, 1000).default(0).meta({ description: 'Of several tiers that fit the highest wins, of equals the first.' }),
  when: z
    .strictObject({ all: z.array(Condition).max(CONDITIONS_MAX).default([]) })
    .prefault({})
    .meta({ description: 'A tip must meet all of them.' }),
  override: LookChangeDocument.default({}),
  queue: z.enum(QUEUE_POLICIES).default('queue'),
}) satisfies z.ZodType<OverlayTier>;

const tiers = z
  .array(Tier)
  .max(TIERS_MAX)
  .superRefine((all, context) => {
    const ids = new Set<string>();
    for (const [place, { id }] of all.entries()) {
      if (ids.has(id)) context.addIssue({ code: 'custom', path: [place, 'id'], message: 'another tier has this id' });
      ids.add(id);
    }
  });

const Canvas = z.strictObject({
  anchor: z.enum(ANCHORS).default(D.canvas.anchor),
  marginPct: share(0, 25).default(D.canvas.marginPct),
  maxWidthPct: share(10, 100).default(D.canvas.maxWidthPct),
  scale: share(0.5, 3).default(D.canvas.scale),
});
const Moderation = z.strictObject({
  showMessages: z.boolean().default(D.moderation.showMessages),
  maxMessageChars: whole(0, 280).default(D.moderation.maxMessageChars),
  stripLinks: z.boolean().default(D.moderation.stripLinks),
  minToShowMessage: z
    .array(z.strictObject({ chainId, token, raw }))
    .max(16)
    .default([])
    .meta({ description: 'A message is shown from any of these amounts on; empty: always.' }),
});
const CatchUp = z.strictObject({
  mode: z.enum(CATCH_UP_MODES).default(D.catchUp.mode),
  maxAgeSec: whole(0, 86_400).default(D.catchUp.maxAgeSec).meta({ description: 'Missed tips that are older do not play by themselves.' }),
  maxAlerts: whole(0, 100).default(D.catchUp.maxAlerts).meta({ description: 'More missed tips than these are one card.' }),
  onlyWhileLive: z.boolean().default(D.catchUp.onlyWhileLive),
});

/**
 * How an overlay looks and behaves: the one schema of what the API takes, the database keeps and the frames carry. What is not given is
 * filled in; what is not known is refused. There is no place for CSS, HTML or addresses.
 */
export const OverlayConfigDocument = z
  .strictObject({
    schemaVersion: z.literal(1),
    widget: z.enum(WIDGETS).default(D.widget),
    canvas: Canvas.prefault({}),
    motion: z.enum(MOTIONS).default(D.motion).meta({ description: 'A viewer’s own wish cannot reach a video, so the creator decides.' }),
    defaults: LookDocument.prefault({}),
    tiers: tiers.default([]),
    moderation: Moderation.prefault({}),
    catchUp: CatchUp.prefault({}),
    instances: z.enum(INSTANCE_MODES).default(D.instances),
    restAfterSec: whole(1, 3600).nullable().default(D.restAfterSec),
    linkDot: z.boolean().default(D.linkDot),
    ...widgetFields,
  })
  .refine(
    (config) => bytesOf(config) <= CONFIG_MAX_BYTES,
    `is larger than ${String(CONFIG_MAX_BYTES)} bytes`,
  ) satisfies z.ZodType<OverlayConfig>;

function bytesOf(config: OverlayConfig): number {
  return new TextEncoder().encode(JSON.stringify(config)).length;
}

/** Each look takes off what the last one laid bare: at most as often as a document is deep. */
const LOOKS = 8;

/**
 * Reads what is stored, by whichever version: what is missing is filled in, what does not fit is as if it were not there. Never throws, since
 * an overlay that cannot be read could be neither shown nor mended.
 */
export function readOverlayConfig(stored: unknown): OverlayConfig {
  let document = fromFirstHouse(stored);
  for (let look = 0; look < LOOKS; look += 1) {
    const parsed = OverlayConfigDocument.safeParse(document);
    if (parsed.success) return parsed.data;
    // From the end, so that what is dropped from a list moves nothing that is still to be dropped.
    document = parsed.error.issues.reduceRight(without, document);
  }
  return DEFAULT_OVERLAY_CONFIG;
}

const FirstHouse = z.looseObject({ schemaVersion: z.literal(1), durationMs: z.number() });

/** The first version knew one field. */
function fromFirstHouse(stored: unknown): unknown {
  const old = FirstHouse.safeParse(stored);
  if (!old.success) return stored;
  const { durationMs, ...rest } = old.data;
  return { defaults: { durationMs }, ...rest };
}

function without(document: unknown, issue: z.core.$ZodIssue): unknown {
  const paths = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
  return paths.reduceRight<unknown>(drop, document);
}

/** Of what should be there and is not, the part around it goes. */
function drop(value: unknown, [key, ...rest]: readonly PropertyKey[]): unknown {
  if (typeof value !== 'object' || value === null || key === undefined) return undefined;
  const kept = Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
    if (name !== String(key)) return [[name, inner] as const];
    const left = rest.length === 0 ? undefined : drop(inner, rest);
    return left === undefined ? [] : [[name, left] as const];
  });
  if (!Object.hasOwn(value, key)) return undefined;
  return Array.isArray(value) ? kept.map(([, inner]) => inner) : Object.fromEntries(kept);
}
