import type { Hex } from './hex.js';

export const WIDGETS = ['alerts', 'goal', 'ticker', 'top'] as const;
export const ANCHORS = ['top-left', 'top-center', 'top-right', 'center', 'bottom-left', 'bottom-center', 'bottom-right'] as const;
export const ANIMATIONS = ['slide-down', 'slide-up', 'slide-in', 'fade', 'zoom', 'flip'] as const;
export const TEXT_EFFECTS = ['none', 'glow', 'wave', 'typewriter'] as const;
export const MOTIONS = ['full', 'reduced', 'none'] as const;
export const BUILT_IN_IMAGES = ['coin'] as const;
export const BUILT_IN_SOUNDS = ['chime'] as const;
export const COMPARISONS = ['>=', '>', '<=', '<'] as const;
export const QUEUE_POLICIES = ['queue', 'jump', 'dropIfBusy', 'mergeSame'] as const;
export const CATCH_UP_MODES = ['play', 'digest', 'manual'] as const;
export const INSTANCE_MODES = ['primary-with-sound', 'all-with-sound', 'primary-only'] as const;
export const TOP_PERIODS = ['day', 'week', 'month', 'all'] as const;

/** Colours are `#rgb`, `#rgba`, `#rrggbb` or `#rrggbbaa`. */
export interface FontStyle {
  /** One family; the page adds its own fallbacks. */
  readonly family: string;
  /** At 1080 lines. */
  readonly sizePx: number;
  readonly weight: number;
  readonly color: string;
  readonly accent: string;
  readonly outline: { readonly color: string; readonly widthPx: number } | null;
}

export interface CardStyle {
  readonly background: string;
  readonly radiusPx: number;
  readonly border: { readonly color: string; readonly widthPx: number } | null;
}

export interface ShownParts {
  readonly message: boolean;
  readonly usd: boolean;
  readonly chain: boolean;
}

/** What one alert looks and sounds like. */
export interface AlertLook {
  /** Single-pass: `{name}`, `{amount}`, …; see `TEMPLATE_VARIABLES`. */
  readonly template: string;
  readonly messageTemplate: string;
  /** On the screen, animations included. */
  readonly durationMs: number;
  /** Before the next one. */
  readonly gapMs: number;
  readonly enter: (typeof ANIMATIONS)[number];
  readonly exit: (typeof ANIMATIONS)[number];
  readonly textEffect: (typeof TEXT_EFFECTS)[number];
  readonly font: FontStyle;
  readonly card: CardStyle;
  readonly show: ShownParts;
  /** A built-in name, or the id of an asset (`ast_…`); null is none. */
  readonly image: { readonly asset: string; readonly maxHeightPct: number } | null;
  readonly sound: { readonly asset: string; readonly volume: number } | null;
}

type Given<T> = { readonly [Field in keyof T]?: T[Field] | undefined };

/** What a tier changes of the look; the rest stays. */
export type LookChange = Given<Omit<AlertLook, 'font' | 'card' | 'show'>> & {
  readonly font?: Given<FontStyle> | undefined;
  readonly card?: Given<CardStyle> | undefined;
  readonly show?: Given<ShownParts> | undefined;
};

export interface TokenRef {
  readonly chainId: number;
  /** `NATIVE_TOKEN` for the chain's own coin. */
  readonly token: Hex;
}

export type TierCondition =
  | ({ readonly field: 'amount'; readonly op: (typeof COMPARISONS)[number]; /** Smallest units. */ readonly raw: string } & TokenRef)
  | { readonly field: 'usd'; readonly op: (typeof COMPARISONS)[number]; readonly value: string }
  | { readonly field: 'hasMessage'; readonly is: boolean }
  | { readonly field: 'chainId'; readonly in: readonly number[] }
  | { readonly field: 'token'; readonly in: readonly TokenRef[] };

/** Tips that meet all conditions look otherwise; of several tiers the highest priority wins, of equals the first. */
export interface OverlayTier {
  readonly id: string;
  readonly name: string;
  readonly priority: number;
  readonly when: { readonly all: readonly TierCondition[] };
  readonly override: LookChange;
  readonly queue: (typeof QUEUE_POLICIES)[number];
}

/** What a widget counts in: what tips were worth in US dollars when they were paid, or one token. */
export type CountedUnit =
  | { readonly unit: 'usd' }
  | ({
      readonly unit: 'token';
      /** As the page writes them: they are the creator's words, so that a bar stands before the first tip came. */
      readonly symbol: string;
      readonly decimals: number;
    } & TokenRef);

/** A bar that fills as tips come. */
export type GoalOptions = CountedUnit & {
  readonly title: string;
  /** Smallest units of the token, or US dollars; a decimal string above zero. */
  readonly target: string;
  /** What was there before the first tip; as `target`. */
  readonly start: string;
  /** RFC 3339, UTC; tips of blocks before it do not count. null: all that were told count. */
  readonly since: string | null;
};

/** The latest tips. */
export interface TickerOptions {
  readonly title: string;
  readonly count: number;
  readonly showAmounts: boolean;
  readonly showMessages: boolean;
}

/** Who tipped most. Days begin at midnight UTC, weeks on Monday. */
export type TopOptions = CountedUnit & {
  readonly title: string;
  readonly count: number;
  readonly period: (typeof TOP_PERIODS)[number];
};

/** How an overlay looks and behaves, whole. JSON-safe; its schema is `OverlayConfigDocument` in `@droppio/tips/overlay-schema`. */
export interface OverlayConfig {
  readonly schemaVersion: 1;
  readonly widget: (typeof WIDGETS)[number];
  readonly canvas: {
    readonly anchor: (typeof ANCHORS)[number];
    /** Of the source's shorter side, and of its width. */
    readonly marginPct: number;
    readonly maxWidthPct: number;
    readonly scale: number;
  };
  readonly motion: (typeof MOTIONS)[number];
  readonly defaults: AlertLook;
  readonly tiers: readonly OverlayTier[];
  readonly moderation: {
    readonly showMessages: boolean;
    readonly maxMessageChars: number;
    readonly stripLinks: boolean;
    /** A message is shown from any of these amounts on; empty: always. */
    readonly minToShowMessage: readonly (TokenRef & { readonly raw: string })[];
  };
  /** What becomes of alerts that came while no page could show them. */
  readonly catchUp: {
    /** `digest`: few and young ones play, else one card; `play`: the newest few play after one card; `manual`: nothing, they can be replayed. */
    readonly mode: (typeof CATCH_UP_MODES)[number];
    readonly maxAgeSec: number;
    readonly maxAlerts: number;
    readonly onlyWhileLive: boolean;
  };
  /** Of several pages with one overlay: who sounds, who shows. */
  readonly instances: (typeof INSTANCE_MODES)[number];
  /** Seconds out of sight after which the page lets go of its connection; null: never. */
  readonly restAfterSec: number | null;
  /** The small dot after thirty seconds without a link. */
  readonly linkDot: boolean;
  /** Options of the widgets; the one that `widget` names is drawn. */
  readonly goal: GoalOptions;
  readonly ticker: TickerOptions;
  readonly top: TopOptions;
}

/** As it is stored and sent: perhaps by an older version that knew fewer fields, so whoever reads it fills in what it lacks. */
export interface ConfigDocument {
  readonly schemaVersion: number;
}

export const DEFAULT_OVERLAY_CONFIG: OverlayConfig = {
  schemaVersion: 1,
  widget: 'alerts',
  canvas: { anchor: 'top-center', marginPct: 4, maxWidthPct: 60, scale: 1 },
  motion: 'full',
  defaults: {
    template: '{name} tipped {amount} {symbol}',
    messageTemplate: '{message}',
    durationMs: 8000,
    gapMs: 250,
    enter: 'slide-down',
    exit: 'fade',
    textEffect: 'none',
    font: { family: 'Inter', sizePx: 36, weight: 700, color: '#f8fafc', accent: '#2dd4bf', outline: null },
    card: { background: '#0b1220ed', radiusPx: 34, border: null },
    show: { message: true, usd: true, chain: false },
    image: { asset: 'coin', maxHeightPct: 25 },
    sound: { asset: 'chime', volume: 0.5 },
  },
  tiers: [],
  moderation: { showMessages: true, maxMessageChars: 280, stripLinks: true, minToShowMessage: [] },
  catchUp: { mode: 'digest', maxAgeSec: 600, maxAlerts: 10, onlyWhileLive: false },
  instances: 'primary-with-sound',
  restAfterSec: null,
  linkDot: true,
  goal: { unit: 'usd', title: 'Tip goal', target: '100.00', start: '0.00', since: null },
  ticker: { title: 'Latest tips', count: 5, showAmounts: true, showMessages: true },
  top: { unit: 'usd', title: 'Top tippers', count: 5, period: 'all' },
};
