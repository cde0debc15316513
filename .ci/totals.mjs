// Prints what failed, with its first words, and then the totals of vitest's JSON report, alone on a line. A missing report, or one without a single
// test, is a failure.
import { readFileSync } from 'node:fs';

/** Characters of a failure's message. */
const MOST = 2000;

const report = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const { numPassedTests: passed, numFailedTests: failed, numPendingTests: pending, numTodoTests: todo = 0 } = report;
// A file that could not be loaded, or whose set-up threw, has no test that failed: it counts as one.
const hasFailed = (test) => test.status === 'failed';
const isBroken = (file) => file.status === 'failed' && !file.assertionResults.some(hasFailed);
const broken = report.testResults.filter(isBroken).length;
// Once more at the end, where whoever reads the log looks first: thousands of lines stand between a test and here.
for (const file of report.testResults) {
  for (const test of file.assertionResults.filter(hasFailed)) {
    process.stdout.write(`failed: ${file.name}: ${test.fullName}\n  ${(test.failureMessages[0] ?? '').slice(0, MOST)}\n`);
  }
  if (isBroken(file)) process.stdout.write(`failed: ${file.name}\n  ${(file.message ?? '').slice(0, MOST)}\n`);
}
process.stdout.write(`tests: ${passed} passed, ${failed + broken} failed, ${pending + todo} skipped\n`);
if (passed === 0 || failed + broken > 0) process.exitCode = 1;
