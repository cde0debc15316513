import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ts from 'typescript';
import { ROOT } from '../houses/app-process.js';

/** Files under version control, by their paths from the root. */
export function tracked(...patterns: readonly string[]): readonly string[] {
  const list = execFileSync('git', ['ls-files', '-z', ...patterns], { cwd: ROOT, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 });
  return list.split('\0').filter((file) => file !== '');
}

export const textOf = (file: string): string => readFileSync(resolve(ROOT, file), 'utf8');

/** What runs for users: no tests, and nothing that only tests use. */
export function productFiles(...patterns: readonly string[]): readonly string[] {
  return tracked(...patterns).filter((file) => !/\.(?:spec|contract)\.ts$|\/testing\/|\/generated\//.test(file));
}

export interface Pattern {
  readonly file: string;
  readonly source: string;
  readonly flags: string;
}

/** Every regular expression that is written down as such. */
export function patternsIn(files: readonly string[]): readonly Pattern[] {
  const found = new Map<string, Pattern>();
  for (const file of files) {
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) {
        const end = node.text.lastIndexOf('/');
        found.set(node.text, { file, source: node.text.slice(1, end), flags: node.text.slice(end + 1) });
      }
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest));
  }
  return [...found.values()];
}
