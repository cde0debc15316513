import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../houses/app-process.js';

const page = readFileSync(resolve(ROOT, 'docs/threat-model.md'), 'utf8');
const rowsOf = (heading: string): readonly (readonly string[])[] =>
  (page.split(`## ${heading}`)[1]?.split('\n## ')[0] ?? '')
    .split('\n')
    .filter((line) => /^\| *\d+ *\|/.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
const attacks = rowsOf('Attacks');
const checks = rowsOf('The thirty checks');

const Named = /`([^`]+)`: “([^”]+)”/g;
const namedIn = (cell: string): readonly (readonly [string, string])[] =>
  [...cell.matchAll(Named)].map(([, file = '', title = '']) => [file, title]);

/** Titles of a file's tests, as they are written. */
function titlesIn(file: string): ReadonlySet<string> {
  const text = readFileSync(resolve(ROOT, file), 'utf8');
  const calls = text.matchAll(/\bit(?:\.each\((?:[^()]|\([^()]*\))*\))?\(\s*(['"])((?:(?!\1)[^\\\n]|\\.)*)\1/g);
  const tables = text.matchAll(/^ *\](?: as const)?,?\s*\)\(\s*(['"])((?:(?!\1)[^\\\n]|\\.)*)\1/gm);
  const more = text.matchAll(/\)\(\s*(['"])((?:(?!\1)[^\\\n]|\\.)*)\1, (?:async )?\(/g);
  return new Set([...calls, ...tables, ...more].map(([, , title = '']) => title.replaceAll("\\'", "'")));
}

describe('the threat model', () => {
  it('has forty attacks and more, and all thirty checks, numbered', () => {
    expect(attacks.length).toBeGreaterThanOrEqual(40);
    expect(attacks.map(([number]) => number)).toEqual(attacks.map((_, index) => String(index + 1)));
    expect(checks.map(([number]) => number)).toEqual(Array.from({ length: 30 }, (_, index) => String(index + 1)));
  });

  it.each(
    [...attacks, ...checks].map(
      (cells) => [`${cells[0] ?? ''}. ${cells.slice(1, -1)[0] ?? ''}: ${cells[2]?.slice(0, 60) ?? ''}`, cells] as const,
    ),
  )('%s is held by tests that there are', (_row, cells) => {
    expect(cells.every((cell) => cell !== '')).toBe(true);
    const named = namedIn(cells.at(-1) ?? '');
    expect(named.length).toBeGreaterThan(0);
    for (const [file, title] of named) {
      expect(existsSync(resolve(ROOT, file)), file).toBe(true);
      expect(titlesIn(file).has(title), `${file}: ${title}`).toBe(true);
    }
  });

  it('would miss a test that was renamed', () => {
    expect(titlesIn('e2e/src/supply/threat-model.spec.ts').has('would miss a test that was renamed')).toBe(true);
    expect(titlesIn('e2e/src/supply/threat-model.spec.ts').has('would miss a test that was')).toBe(false);
  });
});
