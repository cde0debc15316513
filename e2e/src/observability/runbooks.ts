import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './files.js';

export const RUNBOOKS = join(ROOT, 'docs/runbooks');

export interface Runbook {
  readonly alert: string;
  readonly text: string;
  /** Titles of its parts. */
  readonly parts: readonly string[];
  /** Its queries: whatever stands in a block of PromQL, one a line. */
  readonly queries: readonly string[];
}

export function readRunbooks(): Runbook[] {
  const files = readdirSync(RUNBOOKS).filter((name) => name !== 'README.md');
  return files.map((name) => {
    const text = readFileSync(join(RUNBOOKS, name), 'utf8');
    const blocks = [...text.matchAll(/^```promql\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) => block.split('\n'));
    return {
      alert: name.replace(/\.md$/, ''),
      text,
      parts: [...text.matchAll(/^## (.*)$/gm)].map(([, title = '']) => title),
      queries: blocks.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#')),
    };
  });
}
