import { describe, expect, it } from 'vitest';
import { stamp } from './crowd-orders.js';
import { StampReader } from './stamp-reader.js';

describe(StampReader.name, () => {
  it('counts every stamp once, wherever the stream is cut', () => {
    const text = Buffer.from(`head ${stamp()} middle ~ and ${stamp()}${stamp()} tail`);
    for (let first = 0; first <= text.length; first += 1) {
      for (const second of [first, Math.min(text.length, first + 3), text.length]) {
        const reader = new StampReader();
        let carry: Buffer | undefined;
        for (const [from, to] of [
          [0, first],
          [first, second],
          [second, text.length],
        ] as const) {
          carry = reader.read(text.subarray(from, to), carry);
        }
        expect(reader.deliveries, `cut at ${String(first)} and ${String(second)}`).toBe(3);
      }
    }
  });

  it('knows how old a delivery is', () => {
    const reader = new StampReader();
    const past = performance.timeOrigin + performance.now() - 250;
    reader.read(Buffer.from(`~t${past.toFixed(3)}~`), undefined);
    const ages = reader.buckets().map(([bucket]) => bucket);
    expect(ages).toHaveLength(1);
    expect(Math.min(...ages)).toBeGreaterThanOrEqual(2500);
    expect(Math.max(...ages)).toBeLessThan(4500);
  });
});
