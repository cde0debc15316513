// Prints the totals of vitest's JSON report, alone on a line. A missing report, or one without a single test, is a failure.
import { readFileSync } from 'node:fs';

const report = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const { numPassedTests: passed, numFailedTests: failed, numPendingTests: pending, numTodoTests: todo = 0 } = report;
// A file that could not be loaded, or whose set-up threw, has no test that failed: it counts as one.
const hasFailed = (test) => test.status === 'failed';
const broken = report.testResults.filter((file) => file.status === 'failed' && !file.assertionResults.some(hasFailed)).length;
process.stdout.write(`tests: ${passed} passed, ${failed + broken} failed, ${pending + todo} skipped\n`);
if (passed === 0 || failed + broken > 0) process.exitCode = 1;
