import { shortAddress } from './amount.js';
import { BlockList } from './block-list.js';
import { cleanMessage, cutGraphemes } from './clean-message.js';
import type { ModerationRules, ScreeningReason, TokenRule, Verdict } from './moderation.js';
import { STANDARD_BLOCK_LIST } from './standard-block-list.js';
import { stripLinks } from './strip-links.js';
import type { TipDisplay } from './tip.js';

/** Who a hidden sender is. */
export const HIDDEN_SENDER = { name: 'Someone', from: '0x0000000000000000000000000000000000000000' } as const;

const MOST_IN_A_ROW = 3;
const MOST_ROUNDS = 5;

export interface JudgedTip {
  readonly display: TipDisplay;
  /** Has a tip of this sender been let through before? */
  readonly isKnownSender: boolean;
  /** A person has let it through: what would hold or reject it no longer does. What is shown of it is still by the rules. */
  readonly isApproved?: boolean;
}

/** A creator's rules, made ready once for many tips. Pure: the same tip gets the same verdict. */
export class TipJudge {
  private readonly blocked: BlockList;
  private readonly tokens: ReadonlyMap<string, TokenRule>;

  constructor(private readonly rules: ModerationRules) {
    const { entries, useStandard } = rules.blockList;
    this.blocked = new BlockList(useStandard ? [...entries, ...STANDARD_BLOCK_LIST] : entries);
    this.tokens = new Map(rules.acceptance.tokens.map((rule) => [tokenKey(rule.chainId, rule.token), rule]));
  }

  judge({ display, isKnownSender, isApproved = false }: JudgedTip): Verdict {
    const shown = this.screened(display);
    if (isApproved) return { screening: 'shown', display: shown };
    const refusal = this.refusal(display);
    if (refusal !== undefined) return { screening: 'rejected', reason: refusal, display: shown };
    const { action } = this.rules.blockList;
    if (action !== 'hide-message' && (this.isMessageBlocked(display) || this.isNameBlocked(display))) {
      return { screening: action === 'reject' ? 'rejected' : 'held', reason: 'block-list', display: shown };
    }
    if (this.rules.mode === 'hold') return { screening: 'held', reason: 'hold-all', display: shown };
    if (this.rules.holdFirstTime && !isKnownSender) return { screening: 'held', reason: 'first-time', display: shown };
    return { screening: 'shown', display: shown };
  }

  private refusal({ amount }: TipDisplay): ScreeningReason | undefined {
    const { chains, otherTokens } = this.rules.acceptance;
    if (chains !== null && !chains.includes(amount.chainId)) return 'chain-not-accepted';
    const rule = this.ruleOf(amount);
    if (rule === undefined) return otherTokens ? undefined : 'token-not-accepted';
    return BigInt(amount.raw) < BigInt(rule.min) ? 'below-minimum' : undefined;
  }

  /** What of the tip overlays may see. */
  private screened(display: TipDisplay): TipDisplay {
    const { name, from } = display;
    const sender = this.rules.hideSenders ? HIDDEN_SENDER : { name: this.isNameBlocked(display) ? shortAddress(from) : name };
    return { ...display, ...sender, message: this.messageOf(display) };
  }

  private messageOf(display: TipDisplay): string {
    const { message, amount } = display;
    const rule = this.ruleOf(amount);
    if (message === '' || (rule !== undefined && BigInt(amount.raw) < BigInt(rule.minForMessage))) return '';
    if (this.rules.blockList.action === 'hide-message' && this.isMessageBlocked(display)) return '';
    return this.trimmed(message);
  }

  /**
   * Over and over, for what is left may read as a link again, as `example.community` does once it is cut. A
   * text that is made to do so time after time is nothing but links.
   */
  private trimmed(message: string): string {
    let left = message;
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const next = this.trimmedOnce(left);
      if (next === left) return left;
      left = next;
    }
    return '';
  }

  private trimmedOnce(text: string): string {
    const { stripLinks: strips, collapseRepeats: collapses, maxMessageChars } = this.rules;
    const bare = strips ? stripLinks(text) : text;
    return cleanMessage(cutGraphemes(collapses ? collapseRepeats(bare) : bare, maxMessageChars));
  }

  /** Also what is left of it once links are gone and it is cut: that may make a word that was not there before. */
  private isMessageBlocked({ message }: TipDisplay): boolean {
    if (this.blocked.isEmpty) return false;
    const left = this.trimmed(message);
    return this.blocked.holdsOf(message) || (left !== message && this.blocked.holdsOf(left));
  }

  /** A short address is nobody's choice of words, though its hex digits may spell some. */
  private isNameBlocked({ name, from }: TipDisplay): boolean {
    return name !== shortAddress(from) && this.blocked.holdsOf(name);
  }

  private ruleOf({ chainId, token }: TipDisplay['amount']): TokenRule | undefined {
    return this.tokens.get(tokenKey(chainId, token));
  }
}

function tokenKey(chainId: number, token: string): string {
  return `${String(chainId)} ${token.toLowerCase()}`;
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** `hahahaha` stays, `aaaaaa` becomes `aaa`, and so do words that are said again and again. */
export function collapseRepeats(text: string): string {
  const lines = text.split('\n').map((line) => {
    const words = atMostInARow(line.split(' '), (word) => word.toLowerCase());
    return atMostInARow(Array.from(graphemes.segment(words.join(' ')), ({ segment }) => segment)).join('');
  });
  return lines.join('\n');
}

function atMostInARow(parts: readonly string[], same: (part: string) => string = (part) => part): string[] {
  let times = 0;
  return parts.filter((part, index) => {
    times = index > 0 && same(part) === same(parts[index - 1] ?? '') ? times + 1 : 1;
    return times <= MOST_IN_A_ROW;
  });
}
