import { parseArgs } from 'node:util';
import { StartupFault } from '@droppio/platform';

export interface BackfillArgs {
  readonly chainId: number;
  readonly from: number;
  readonly to?: number;
}

const USAGE =
  'Usage: npm run backfill -- --chain <chain id> --from <block> [--to <block>], for example: npm run backfill -- --chain 8453 --from 1200000';

/** Throws `StartupFault` with a sentence for whatever does not fit. */
export function backfillArgs(args: readonly string[]): BackfillArgs {
  const { chain, from, to } = valuesOf(args);
  const chainId = whole('chain', chain);
  const range = { from: whole('from', from), ...(to === undefined ? {} : { to: whole('to', to) }) };
  if (range.to !== undefined && range.to < range.from)
    throw new StartupFault(`--to ${String(range.to)} lies before --from ${String(range.from)}. ${USAGE}`);
  return { chainId, ...range };
}

function valuesOf(args: readonly string[]): { readonly chain?: string; readonly from?: string; readonly to?: string } {
  try {
    const options = { chain: { type: 'string' }, from: { type: 'string' }, to: { type: 'string' } } as const;
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new StartupFault(
      `${error instanceof Error ? (error.message.split('\n')[0] ?? '').replace(/\.$/, '') : 'The arguments cannot be read'}. ${USAGE}`,
      {
        cause: error,
      },
    );
  }
}

function whole(name: string, text: string | undefined): number {
  if (text === undefined) throw new StartupFault(`--${name} is missing. ${USAGE}`);
  if (!/^\d{1,15}$/.test(text)) throw new StartupFault(`--${name} must be a whole number, and "${text.slice(0, 40)}" is none. ${USAGE}`);
  return Number(text);
}
