import { describe, expect, it } from 'vitest';
import { ProgressLine } from './progress-line.js';

function shown(isTTY: boolean): { readonly line: ProgressLine; readonly texts: string[]; readonly advance: (ms: number) => void } {
  const texts: string[] = [];
  let now = 1000;
  const line = new ProgressLine({ isTTY, write: (text) => texts.push(text) }, () => now);
  return { line, texts, advance: (ms) => void (now += ms) };
}

const progress = { total: 20_000, remaining: 15_000, failed: [] };
const tally = { stored: 1234, known: 0 };

describe(ProgressLine.name, () => {
  it('draws a bar anew in a terminal, and leaves it standing in the end', () => {
    const { line, texts, advance } = shown(true);
    advance(10_000);
    line.show(progress, tally);
    expect(texts).toEqual([
      '\r[██████··················] 25 %: 5,000 of 20,000 blocks, 1,234 new tips found here, 500 blocks/s, about 30 s left\u001b[K',
    ]);
    line.end();
    line.end();
    expect(texts.slice(1)).toEqual(['\n']);
  });

  it('writes a line now and then elsewhere', () => {
    const { line, texts, advance } = shown(false);
    for (let n = 0; n < 12; n += 1) {
      line.show(progress, tally);
      advance(1000);
    }
    line.end();
    expect(texts).toHaveLength(3);
    expect(texts.every((text) => text.endsWith('\n') && !text.includes('\r'))).toBe(true);
  });

  it('tells what failed, what it waits for, and long times in larger units', () => {
    const { line, texts, advance } = shown(true);
    advance(3_600_000);
    line.show({ ...progress, remaining: 19_000, failed: [{ from: 0, to: 9, code: 'x' }], waitsFor: 'broker-unavailable' }, tally);
    expect(texts[0]).toContain('about 19.0 h left, 1 failed, waiting (broker-unavailable)');
    advance(-3_500_000);
    line.show({ ...progress, remaining: 10_000 }, tally);
    expect(texts[1]).toContain('about 2 min left');
  });

  it('is done when there was nothing to do', () => {
    const { line, texts } = shown(true);
    line.show({ total: 0, remaining: 0, failed: [] }, { stored: 0, known: 0 });
    expect(texts[0]).toContain('[████████████████████████] 100 %: 0 of 0 blocks, 0 new tips found here, 0 blocks/s\u001b[K');
  });
});
