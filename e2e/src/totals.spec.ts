import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const SCRIPT = resolve(import.meta.dirname, '../../.ci/totals.mjs');

function totals(report: unknown): { line: string; status: number | null } {
  const file = join(mkdtempSync(join(tmpdir(), 'droppio-totals-')), 'report.json');
  if (report !== undefined) writeFileSync(file, JSON.stringify(report));
  const run = spawnSync(process.execPath, [SCRIPT, file], { encoding: 'utf8', timeout: 10_000 });
  return { line: run.stdout, status: run.status };
}

const passing = { numPassedTests: 3, numFailedTests: 0, numPendingTests: 1, testResults: [{ status: 'passed', assertionResults: [{}] }] };

describe('the last line of CI', () => {
  it('counts what the runner reported', () => {
    expect(totals(passing)).toEqual({ line: 'tests: 3 passed, 0 failed, 1 skipped\n', status: 0 });
  });

  it('fails on a failed test', () => {
    expect(totals({ ...passing, numFailedTests: 2 })).toEqual({ line: 'tests: 3 passed, 2 failed, 1 skipped\n', status: 1 });
  });

  it('counts a file that could not be loaded as a failure', () => {
    const report = { ...passing, testResults: [{ status: 'failed', assertionResults: [] }] };
    expect(totals(report)).toEqual({ line: 'tests: 3 passed, 1 failed, 1 skipped\n', status: 1 });
  });

  it('counts a file whose set-up threw, so that its tests were skipped', () => {
    const report = { ...passing, testResults: [{ status: 'failed', assertionResults: [{ status: 'skipped' }] }] };
    expect(totals(report)).toEqual({ line: 'tests: 3 passed, 1 failed, 1 skipped\n', status: 1 });
  });

  it('fails when nothing ran, or no report was written', () => {
    expect(totals({ numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, testResults: [] }).status).toBe(1);
    expect(totals(undefined).status).not.toBe(0);
  });
});
