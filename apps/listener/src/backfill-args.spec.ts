import { StartupFault } from '@droppio/platform';
import { describe, expect, it } from 'vitest';
import { backfillArgs } from './backfill-args.js';

const refusal = (...args: readonly string[]): string => {
  try {
    backfillArgs(args);
  } catch (error) {
    if (error instanceof StartupFault) return error.message;
    throw error;
  }
  return 'taken';
};

describe(backfillArgs.name, () => {
  it('reads chain and blocks', () => {
    expect(backfillArgs(['--chain', '8453', '--from', '0'])).toEqual({ chainId: 8453, from: 0 });
    expect(backfillArgs(['--to=20', '--from=10', '--chain=1'])).toEqual({ chainId: 1, from: 10, to: 20 });
  });

  it.each([
    [[], '--chain is missing'],
    [['--chain', '1'], '--from is missing'],
    [['--chain', 'base', '--from', '1'], '--chain must be a whole number, and "base" is none'],
    [['--chain', '1', '--from', '-5'], "'--from' argument is ambiguous"],
    [['--chain', '1', '--from=-5'], '--from must be a whole number'],
    [['--chain', '1', '--from', '1.5'], '--from must be a whole number'],
    [['--chain', '1', '--from', '1', '--to', '9999999999999999'], '--to must be a whole number'],
    [['--chain', '1', '--from', '9', '--to', '8'], '--to 8 lies before --from 9'],
    [['--chain', '1', '--form', '9'], "Unknown option '--form'"],
    [['8453'], 'Unexpected argument'],
  ])('refuses %j with a sentence and how it is used', (args, sentence) => {
    const message = refusal(...args);
    expect(message).toContain(sentence);
    expect(message).toContain('Usage: npm run backfill -- --chain <chain id> --from <block>');
    expect(message).not.toContain('\n');
  });
});
