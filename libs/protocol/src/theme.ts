import { ANCHORS, ANIMATIONS } from '@droppio/tips';
import * as z from 'zod/mini';

/*
 * The look of an overlay: one document, in the overlay's config. Every field has a default and is read by itself, so that a page shows an
 * alert whatever an older or newer server wrote; whoever stores a theme checks it whole with `Theme`.
 */
const share = (least: number, most: number) => z.number().check(z.gte(least), z.lte(most));
const colour = z.string().check(z.regex(/^#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/i));

export const VARIABLES = ['name', 'amount', 'symbol', 'message'] as const;

/** Only variables that exist, so that a typo is found when a theme is saved and never on stream. */
const template = z.string().check(
  z.maxLength(120),
  z.refine((text) => [...text.matchAll(/\{(\w*)\}/g)].every(([, name]) => VARIABLES.some((known) => known === name)), 'unknown variable'),
);

const style = {
  /** Milliseconds on the screen, the animations included. */
  durationMs: share(2000, 30_000),
  enter: z.enum(ANIMATIONS),
  exit: z.enum(ANIMATIONS),
  /** What stands beside the name: `tipped`, or any text with `{name}`, `{amount}`, `{symbol}` or `{message}` in it. */
  action: template,
  accent: colour,
  /** 0 is silent. */
  volume: share(0, 1),
};

/** From `min` of `symbol` on an alert looks (and waits) differently; the last tier that fits wins. */
export const Tier = z.object({
  symbol: z.string().check(z.maxLength(16)),
  /** Whole units, as a decimal: `0.05`. */
  min: z.string().check(z.regex(/^\d{1,60}(?:\.\d{1,60})?$/)),
  /** Before all others that wait, and never folded into a card with them. */
  jump: z.optional(z.boolean()),
  style: z.optional(z.partial(z.object(style))),
});

export const Theme = z.object({
  ...style,
  anchor: z.enum(ANCHORS),
  /** Of the source's shorter side, and of its width. */
  marginPct: share(0, 25),
  maxWidthPct: share(10, 100),
  scale: share(0.5, 3),
  /** `reduced`: fades only; `none`: no movement at all. The viewers' own wish cannot reach a video, so the creator decides. */
  motion: z.enum(['full', 'reduced', 'none']),
  font: z.string().check(z.regex(/^[\w ,'"-]{1,120}$/)),
  ink: colour,
  card: colour,
  radius: share(0, 4),
  showMessage: z.boolean(),
  /** The small dot after thirty seconds without a link. */
  linkDot: z.boolean(),
  tiers: z.array(Tier).check(z.maxLength(20)),
  /** While true alerts wait. The server's word over what the page remembers. */
  paused: z.optional(z.boolean()),
  /** Seconds after which the page lets go of its connection while OBS does not show it. Absent: never. */
  restAfterSec: z.optional(share(1, 3600)),
  muted: z.optional(z.boolean()),
});
export type Theme = z.infer<typeof Theme>;
export type Tier = z.infer<typeof Tier>;

export const DEFAULT_THEME: Theme = {
  durationMs: 8000,
  enter: 'slide-down',
  exit: 'fade',
  action: 'tipped',
  accent: '#2dd4bf',
  volume: 0.5,
  anchor: 'top-center',
  marginPct: 4,
  maxWidthPct: 60,
  scale: 1,
  motion: 'full',
  font: "Inter, 'Segoe UI', system-ui, sans-serif",
  ink: '#f8fafc',
  card: '#0b1220ed',
  radius: 1.4,
  showMessage: true,
  linkDot: true,
  tiers: [],
};

/** Field by field: what does not fit is as if it were not there. Never throws. */
export function readTheme(config: Readonly<Record<string, unknown>>): Theme {
  const read = Object.entries(Theme.shape).flatMap(([field, schema]) => {
    const parsed = schema.safeParse(config[field]);
    return parsed.success && parsed.data !== undefined ? [[field, parsed.data]] : [];
  });
  return Theme.parse({ ...DEFAULT_THEME, ...Object.fromEntries(read) });
}
