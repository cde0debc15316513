import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockList } from './block-list.js';
import { NATIVE_TOKEN } from './hex.js';
import { collapseRepeats, TipJudge } from './judge-tip.js';
import { isScreening, SHOW_EVERYTHING, type BlockAction, type ModerationRules, type Verdict } from './moderation.js';
import { STANDARD_BLOCK_LIST } from './standard-block-list.js';
import { stripLinks } from './strip-links.js';
import { aDisplay } from './testing/builders.js';

type Change = Partial<Omit<ModerationRules, 'blockList' | 'acceptance'>> & {
  readonly blockList?: Partial<ModerationRules['blockList']>;
  readonly acceptance?: Partial<ModerationRules['acceptance']>;
};

function rulesWith({ blockList, acceptance, ...rest }: Change): ModerationRules {
  return {
    ...SHOW_EVERYTHING,
    ...rest,
    blockList: { ...SHOW_EVERYTHING.blockList, ...blockList },
    acceptance: { ...SHOW_EVERYTHING.acceptance, ...acceptance },
  };
}

describe(TipJudge.name, () => {
  const judge = (change: Change, message = 'hello', isKnownSender = true, raw = '100'): Verdict => {
    const display = aDisplay({ message, amount: { ...aDisplay().amount, raw } });
    return new TipJudge(rulesWith(change)).judge({ display, isKnownSender });
  };
  const said = (change: Change, message: string): string => judge(change, message).display.message;

  it('shows everything by the rules of who has none', () => {
    const display = aDisplay();
    expect(new TipJudge(SHOW_EVERYTHING).judge({ display, isKnownSender: false })).toEqual({ screening: 'shown', display });
    expect(isScreening(SHOW_EVERYTHING)).toBe(false);
  });

  it('does with a blocked word what the creator says', () => {
    const by = (action: BlockAction) => judge({ blockList: { entries: ['rude'], action } }, 'so r.u.d.e');
    expect(by('hide-message')).toMatchObject({ screening: 'shown', display: { message: '' } });
    expect(by('hold')).toMatchObject({ screening: 'held', reason: 'block-list' });
    expect(by('reject')).toMatchObject({ screening: 'rejected', reason: 'block-list' });
  });

  it('has a list of its own for who wants it', () => {
    const [slur = ''] = STANDARD_BLOCK_LIST;
    expect(said({ blockList: { useStandard: true } }, `you ${slur.replace('*', '')}`)).toBe('');
    expect(said({ stripLinks: true }, `you ${slur.replace('*', '')}`)).not.toBe('');
  });

  it('holds everything, or whoever is new', () => {
    expect(judge({ mode: 'hold' })).toMatchObject({ screening: 'held', reason: 'hold-all' });
    expect(judge({ holdFirstTime: true }, '', false)).toMatchObject({ screening: 'held', reason: 'first-time' });
    expect(judge({ holdFirstTime: true })).toMatchObject({ screening: 'shown' });
  });

  it('lets nothing through that is not accepted, and asks no person about it', () => {
    expect(judge({ mode: 'hold', acceptance: { chains: [1] } })).toMatchObject({ screening: 'rejected', reason: 'chain-not-accepted' });
    expect(judge({ acceptance: { chains: [31337] } })).toMatchObject({ screening: 'shown' });
    expect(judge({ acceptance: { otherTokens: false } })).toMatchObject({ screening: 'rejected', reason: 'token-not-accepted' });
  });

  it('asks for the least amounts of a token', () => {
    const acceptance = { tokens: [{ chainId: 31337, token: NATIVE_TOKEN, min: '100', minForMessage: '1000' }], otherTokens: false };
    expect(judge({ acceptance }, 'x', true, '99')).toMatchObject({ screening: 'rejected', reason: 'below-minimum' });
    expect(judge({ acceptance }, 'x', true, '100')).toMatchObject({ screening: 'shown', display: { message: '' } });
    expect(judge({ acceptance }, 'x', true, '1000')).toMatchObject({ display: { message: 'x' } });
  });

  it('hides who it is', () => {
    const { display } = judge({ hideSenders: true });
    expect(display).toMatchObject({ name: 'Someone', from: `0x${'00'.repeat(20)}`, message: 'hello' });
  });

  it('hides a name that is on the list, but not an address that spells it', () => {
    const named = (name: string, from = aDisplay().from) =>
      new TipJudge(rulesWith({ blockList: { entries: ['beef', 'rude'] } })).judge({
        display: aDisplay({ name, from }),
        isKnownSender: true,
      }).display.name;
    expect(named('rude.eth', `0x1234${'0'.repeat(32)}abcd`)).toBe('0x1234…abcd');
    expect(named('0x1234…beef', `0x1234${'0'.repeat(32)}beef`)).toBe('0x1234…beef');
  });

  it('cuts, strips and collapses, and judges what is left, too', () => {
    expect(said({ maxMessageChars: 3 }, '👩‍👩‍👧‍👦abcd')).toBe('👩‍👩‍👧‍👦ab');
    expect(said({ maxMessageChars: 0 }, 'abcd')).toBe('');
    expect(said({ stripLinks: true }, 'go to example.com now')).toBe('go to now');
    expect(said({ stripLinks: true }, 'a . example.com com x')).toBe('x');
    expect(said({ stripLinks: true, maxMessageChars: 14 }, 'go example.community')).toBe('go');
    expect(said({ stripLinks: true, maxMessageChars: 20 }, 'x\u2060 example.c\u2060om')).toBe('x');
    expect(said({ maxMessageChars: 3, blockList: { entries: ['ass'] } }, 'assassin')).toBe('');
    expect(said({ stripLinks: true, blockList: { entries: ['so rude'] } }, 'so example.com rude')).toBe('');
  });

  it('lets a person overrule a hold, but not the rules of what may be seen', () => {
    const rules = rulesWith({ mode: 'hold', hideSenders: true, blockList: { entries: ['rude'], action: 'hide-message' } });
    const verdict = new TipJudge(rules).judge({ display: aDisplay({ message: 'rude' }), isKnownSender: false, isApproved: true });
    expect(verdict).toMatchObject({ screening: 'shown', display: { name: 'Someone', message: '' } });
  });

  it('never shows a blocked word, a link or more than it may, whatever the text', () => {
    const rules = rulesWith({ stripLinks: true, collapseRepeats: true, maxMessageChars: 40, blockList: { entries: ['rude', 'foo*'] } });
    const tried = new TipJudge(rules);
    const list = new BlockList(rules.blockList.entries);
    const piece = fc.oneof(
      fc.constantFrom('rude', 'r u d e', 'food', 'example.com', ' ', '.', 'dot com', 'http://', 'ru', 'de', '\n', 'fo', 'o'),
      fc.string({ unit: 'grapheme', maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.boolean(), (pieces, isKnownSender) => {
        const verdict = tried.judge({ display: aDisplay({ message: pieces.join('') }), isKnownSender });
        const { message } = verdict.display;
        expect(verdict.screening).toBe('shown');
        expect(list.holdsOf(message)).toBe(false);
        expect([...new Intl.Segmenter('en').segment(message)].length).toBeLessThanOrEqual(40);
        expect(stripLinks(message)).toBe(message);
      }),
      { numRuns: 500 },
    );
  });
});

describe(collapseRepeats.name, () => {
  it.each([
    ['aaaaaaa', 'aaa'],
    ['hahahaha', 'hahahaha'],
    ['👍🏽👍🏽👍🏽👍🏽👍🏽', '👍🏽👍🏽👍🏽'],
    ['spam SPAM spam Spam spam eggs', 'spam SPAM spam eggs'],
    ['one\n!!!!!!!!', 'one\n!!!'],
  ])('%s becomes %s', (text, less) => {
    expect(collapseRepeats(text)).toBe(less);
  });
});
