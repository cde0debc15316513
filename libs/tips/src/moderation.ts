import type { Hex } from './hex.js';
import type { TipDisplay } from './tip.js';

export const BLOCK_ACTIONS = ['hide-message', 'hold', 'reject'] as const;
export type BlockAction = (typeof BLOCK_ACTIONS)[number];

export const MODERATION_MODES = ['auto', 'hold'] as const;

/** Bounds of a creator's rules; whoever stores them checks. */
export const MODERATION_LIMITS = { entries: 500, entryChars: 64, tokens: 200, chains: 64, messageChars: 280 } as const;

/** What the smallest tip in one token must be. */
export interface TokenRule {
  readonly chainId: number;
  readonly token: Hex;
  /** Smallest units, decimal string; less is not shown at all. */
  readonly min: string;
  /** Less is shown without its message. */
  readonly minForMessage: string;
}

/** What a creator lets on the screen. JSON-safe: one document. */
export interface ModerationRules {
  readonly schemaVersion: 1;
  /** `hold`: everything waits for a person. */
  readonly mode: (typeof MODERATION_MODES)[number];
  /** A sender none of whose tips was let through by these or earlier rules waits for a person. */
  readonly holdFirstTime: boolean;
  readonly blockList: {
    /** Words or phrases, compared folded (see `foldText`) and whole; a trailing `*` stands for any ending. */
    readonly entries: readonly string[];
    /** Also the house's own short list. */
    readonly useStandard: boolean;
    readonly action: BlockAction;
  };
  readonly stripLinks: boolean;
  /** In grapheme clusters; 0: no messages at all. */
  readonly maxMessageChars: number;
  /** More than three of the same in a row become three. */
  readonly collapseRepeats: boolean;
  /** Overlays learn neither name nor address of a sender. Everybody can still look at the chain. */
  readonly hideSenders: boolean;
  readonly acceptance: {
    /** `null`: every chain of the operator. */
    readonly chains: readonly number[] | null;
    readonly tokens: readonly TokenRule[];
    /** Are tokens accepted that `tokens` does not name? */
    readonly otherTokens: boolean;
  };
}

/** Shows everything: what holds for a creator who has said nothing. */
export const SHOW_EVERYTHING: ModerationRules = {
  schemaVersion: 1,
  mode: 'auto',
  holdFirstTime: false,
  blockList: { entries: [], useStandard: false, action: 'hide-message' },
  stripLinks: false,
  maxMessageChars: MODERATION_LIMITS.messageChars,
  collapseRepeats: false,
  hideSenders: false,
  acceptance: { chains: null, tokens: [], otherTokens: true },
};

/** Can these rules change or stop any tip? If not, tips need not wait for them. */
export function isScreening(rules: ModerationRules): boolean {
  const { blockList, acceptance } = rules;
  return (
    rules.mode === 'hold' ||
    rules.holdFirstTime ||
    blockList.entries.length > 0 ||
    blockList.useStandard ||
    rules.stripLinks ||
    rules.maxMessageChars < MODERATION_LIMITS.messageChars ||
    rules.collapseRepeats ||
    rules.hideSenders ||
    acceptance.chains !== null ||
    acceptance.tokens.length > 0 ||
    !acceptance.otherTokens
  );
}

/** Why a tip is not shown, or not yet; `message-hidden`: it is, without its message, since a person took that away afterwards. */
export const SCREENING_REASONS = [
  'hold-all',
  'first-time',
  'block-list',
  'chain-not-accepted',
  'token-not-accepted',
  'below-minimum',
  'person',
  'message-hidden',
  'unjudged',
] as const;
export type ScreeningReason = (typeof SCREENING_REASONS)[number];

/** What became of a tip that was screened. `waiting`: not judged yet; `held`: a person decides; `rejected`: never told. */
export const SCREENINGS = ['waiting', 'held', 'rejected', 'shown'] as const;
export type Screening = (typeof SCREENINGS)[number];

export interface Verdict {
  readonly screening: Exclude<Screening, 'waiting'>;
  /** Absent when it is shown. */
  readonly reason?: ScreeningReason;
  /** What overlays see, now or once a person lets it through. */
  readonly display: TipDisplay;
}
