import { expect, it } from 'vitest';
import { Tally } from './tally.js';
import { tooTame } from './verdict.js';

function stormy(): Tally {
  const tally = new Tally();
  for (const source of ['jar', 'token', 'native']) tally.add(`standing:${source}`, 50);
  tally.add('forged:added', 10);
  for (const kind of ['quorum', 'transfers', 'confirmations']) tally.add(`chains:${kind}`, 5);
  tally.add('alerts', 100);
  tally.add('chain:reorgs', 20);
  tally.add('fault:drop', 100);
  tally.add('process:killed', 5);
  return tally;
}

it('takes a run in which enough happened for a proof', () => {
  expect(tooTame(stormy(), 10)).toEqual([]);
});

it('says what there was too little of', () => {
  expect(tooTame(new Tally(), 10)).toHaveLength(11);
  const tally = stormy();
  tally.add('chain:reorgs', -15);
  expect(tooTame(tally, 10)).toEqual(['only 5 chain:reorgs over 10 seeds, at least 10 are wanted']);
});

it('wants every kind of fault once there were many seeds', () => {
  const tally = new Tally();
  tally.merge(stormy());
  expect(tooTame(tally, 100).join('\n')).toContain('× html');
  expect(tooTame(tally, 100).join('\n')).toContain('× forged hidden');
});
