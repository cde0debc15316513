import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { depthOf, hasPoison } from './json-body.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function realDepth(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(realDepth));
}

describe(depthOf.name, () => {
  it('agrees with the parsed document, whatever its strings hold', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        expect(depthOf(bytes(JSON.stringify(value)))).toBe(realDepth(value));
      }),
    );
  });

  it('counts no bracket that stands in a string', () => {
    expect(depthOf(bytes(String.raw`{"a":"[[[\"[[[\\"}`))).toBe(1);
  });

  it('sees through a flood of brackets without recursion', () => {
    expect(depthOf(bytes('['.repeat(64 * 1024)))).toBe(64 * 1024);
  });
});

describe(hasPoison.name, () => {
  it.each(['{"__proto__":1}', '{"a":{"constructor":{}}}', '[[{"prototype":0}]]'])('finds the key in %s', (json) => {
    expect(hasPoison(JSON.parse(json))).toBe(true);
  });

  it.each(['{"proto":"__proto__"}', '[]', 'null', '"constructor"', '{"a":[{"b":{}}]}'])('finds none in %s', (json) => {
    expect(hasPoison(JSON.parse(json))).toBe(false);
  });
});
