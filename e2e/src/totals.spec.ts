import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const SCRIPT = resolve(import.meta.dirname, '../../.ci/totals.mjs');

function said(report: unknown): { lines: readonly string[]; status: number | null } {
  const file = join(mkdtempSync(join(tmpdir(), 'droppio-totals-')), 'report.json');
  if (report !== undefined) writeFileSync(file, JSON.stringify(report));
  const run = spawnSync(process.execPath, [SCRIPT, file], { encoding: 'utf8', timeout: 10_000 });
  return { lines: run.stdout.trimEnd().split('\n'), status: run.status };
}

/** The last line, which is alone on it. */
function totals(report: unknown): { line: string | undefined; status: number | null } {
  const { lines, status } = said(report);
  return { line: lines.at(-1), status };
}

const passing = { numPassedTests: 3, numFailedTests: 0, numPendingTests: 1, testResults: [{ status: 'passed', assertionResults: [{}] }] };

describe('the last line of CI', () => {
  it('counts what the runner reported', () => {
    expect(totals(passing)).toEqual({ line: 'tests: 3 passed, 0 failed, 1 skipped', status: 0 });
  });

  it('fails on a failed test', () => {
    expect(totals({ ...passing, numFailedTests: 2 })).toEqual({ line: 'tests: 3 passed, 2 failed, 1 skipped', status: 1 });
  });

  it('counts a file that could not be loaded as a failure', () => {
    const report = { ...passing, testResults: [{ status: 'failed', assertionResults: [] }] };
    expect(totals(report)).toEqual({ line: 'tests: 3 passed, 1 failed, 1 skipped', status: 1 });
  });

  it('counts a file whose set-up threw, so that its tests were skipped', () => {
    const report = { ...passing, testResults: [{ status: 'failed', assertionResults: [{ status: 'skipped' }] }] };
    expect(totals(report)).toEqual({ line: 'tests: 3 passed, 1 failed, 1 skipped', status: 1 });
  });

  it('says before it what failed, with its first words, so that nobody has to look for it', () => {
    const failed = { status: 'failed', fullName: 'a tip is shown once', failureMessages: ['expected 2 to be 1'] };
    const files = [
      { name: 'tip.spec.ts', status: 'failed', assertionResults: [failed, { status: 'passed', fullName: 'a tip is shown' }] },
      { name: 'broken.spec.ts', status: 'failed', message: 'Cannot find module', assertionResults: [] },
    ];
    expect(said({ ...passing, numFailedTests: 1, testResults: files }).lines).toEqual([
      'failed: tip.spec.ts: a tip is shown once',
      '  expected 2 to be 1',
      'failed: broken.spec.ts',
      '  Cannot find module',
      'tests: 3 passed, 2 failed, 1 skipped',
    ]);
  });

  it('fails when nothing ran, or no report was written', () => {
    expect(totals({ numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, testResults: [] }).status).toBe(1);
    expect(totals(undefined).status).not.toBe(0);
  });
});
