import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stripLinks } from './strip-links.js';

describe(stripLinks.name, () => {
  it.each([
    'https://example.com/x?y=1#z',
    'http://example.com',
    'hxxp://evil.example/x',
    'steam://connect/1.2.3.4',
    'www.anything.whatever',
    'example.com',
    'EXAMPLE.COM',
    'example.com/free-nitro',
    'sub.domain.example.co.uk:8080/path',
    'bit.ly/abc',
    'claim-usdc.sbs',
    'airdrop.cfd/x',
    'discord.gg/abc',
    'xn--80ak6aa92e.com',
    'xn--e1afmkfd.xn--p1ai',
    'пример.рф',
    'example.соm',
    'ｅｘａｍｐｌｅ．ｃｏｍ',
    'example。com',
    'example[.]com',
    'example(dot)com',
    'example (dot) com',
    'example [.] com/x',
    'example{.}com',
    'example dot com',
    'example DOT com/path',
    'example . com',
    'example .com',
    'example. com',
    '192.168.0.1',
    '8.8.8.8:53/x',
    '[2001:db8::1]:8080',
    '2001:db8::1',
    'someone@example.com',
    '(example.com)',
    '"example.com"',
  ])('takes %s away', (link) => {
    expect(stripLinks(`look ${link} now`)).toBe('look now');
    expect(stripLinks(link)).toBe('');
  });

  it.each([
    'great stream, thanks...',
    'e.g. this, i.e. that',
    '3.50 each, 10.000 in all, at 10:30',
    'the dot in the middle',
    'connect the dots. Come on',
    'node.js and main.ts',
    'a.b.c',
    'wow... com on',
    'v1.2.3',
    'gg :) :: x',
    '日本語。ありがとう',
    'well: yes/no?',
  ])('leaves “%s” as it is', (text) => {
    expect(stripLinks(text)).toBe(text);
  });

  it('rather takes a word too much where a sentence reads as an address', () => {
    expect(stripLinks('so cool.So fun')).toBe('so fun');
  });

  it('keeps the lines', () => {
    expect(stripLinks('one example.com\nhttps://x.y\ntwo')).toBe('one\ntwo');
  });

  it('keeps what stands before an address that is glued to it', () => {
    expect(stripLinks('see:https://x.y/z')).toBe('see:');
  });

  it('never makes a text longer, and never throws', () => {
    const piece = fc.oneof(
      fc.constantFrom('example.com', 'dot', 'com', '.', ' ', 'http://', '@', '1.2.3.4', '(dot)', '\n'),
      fc.string({ unit: 'grapheme', maxLength: 6 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join('');
        expect(stripLinks(text).length).toBeLessThanOrEqual(Math.max(text.length, text.normalize('NFKC').length));
      }),
    );
  });

  it.each([
    ['dots', '.'.repeat(50_000)],
    ['labels', 'a.'.repeat(25_000)],
    ['words', 'dot com '.repeat(6250)],
    ['digits', '1.'.repeat(25_000)],
    ['colons', ':'.repeat(50_000)],
    ['brackets', '(dot) '.repeat(8000)],
    ['schemes', 'a://'.repeat(12_500)],
    ['accounts', 'a@'.repeat(25_000)],
    ['brackets before a link', `${'('.repeat(50_000)}!example.com`],
  ])('is soon done with 50 KB of %s', (_what, text) => {
    const begun = performance.now();
    stripLinks(text);
    expect(performance.now() - begun).toBeLessThan(250);
  });
});
