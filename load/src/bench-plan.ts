export const PARTS = ['overhead', 'backfill', 'decode', 'takeover', 'memory', 'ponder'] as const;
export type Part = (typeof PARTS)[number];

/** How much of everything; the small plan is for seeing that the bench itself works. */
export interface Sizes {
  /** Blocks of each kind (0, 1, 20, 200 tips). */
  readonly overheadBlocks: number;
  readonly historyBlocks: number;
  readonly tipsPerBlock: number;
  /** Each time into a new database. */
  readonly backfillRuns: number;
  readonly foreignLogs: number;
  readonly decodedLogs: number;
  readonly kills: number;
  readonly wallets: number;
  /** Of ours and of the peer's, in turn. */
  readonly peerRounds: number;
  readonly liveBlocks: number;
}

const FULL: Sizes = {
  overheadBlocks: 200,
  historyBlocks: 400,
  tipsPerBlock: 50,
  backfillRuns: 5,
  foreignLogs: 1_000_000,
  decodedLogs: 50_000,
  kills: 10,
  wallets: 100_000,
  peerRounds: 3,
  liveBlocks: 100,
};

const QUICK: Sizes = {
  overheadBlocks: 10,
  historyBlocks: 40,
  tipsPerBlock: 25,
  backfillRuns: 1,
  foreignLogs: 50_000,
  decodedLogs: 5_000,
  kills: 1,
  wallets: 10_000,
  peerRounds: 1,
  liveBlocks: 10,
};

export interface BenchPlan {
  readonly parts: ReadonlySet<Part>;
  readonly isQuick: boolean;
  readonly sizes: Sizes;
}

/** The command line cannot be followed; the message says why and what could be said instead. */
export class UnclearPlan extends Error {}

/** `--only a,b` names parts, `--quick` takes the small sizes. Throws `UnclearPlan`. */
export function benchPlan(args: readonly string[]): BenchPlan {
  let parts: readonly Part[] = PARTS;
  let isQuick = false;
  for (let i = 0; i < args.length; i += 1) {
    if (args[i] === '--quick') isQuick = true;
    else if (args[i] === '--only') parts = named(args[(i += 1)]);
    else throw new UnclearPlan(`Unknown option ${args[i] ?? ''}. Known are --quick and --only ${PARTS.join(',')}.`);
  }
  return { parts: new Set(parts), isQuick, sizes: isQuick ? QUICK : FULL };
}

function named(list = ''): readonly Part[] {
  const names = list.split(',').filter((name) => name !== '');
  const unknown = names.filter((name) => !isPart(name));
  if (names.length === 0 || unknown.length > 0) {
    throw new UnclearPlan(`--only takes a list of ${PARTS.join(', ')}${unknown.length > 0 ? `; unknown: ${unknown.join(', ')}` : ''}.`);
  }
  return names.filter(isPart);
}

function isPart(name: string): name is Part {
  return PARTS.some((part) => part === name);
}
