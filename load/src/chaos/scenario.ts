import { Dice } from './dice.js';
import { FAULTS, type FaultKind } from './fault-kinds.js';
import { PLAIN, traitsOf, waysOf, type PaymentWay, type Traits } from './traits.js';

/** What becomes of the transactions of blocks that are replaced. */
export const FATES = ['kept', 'moved', 'some', 'none'] as const;
export type Fate = (typeof FATES)[number];

/** One transaction with as many payments as it has amounts (in gwei). */
export interface TxPlan {
  readonly amounts: readonly number[];
  /** One for each amount. */
  readonly ways: readonly PaymentWay[];
  /** Which creators of the group are tipped, in turn; beyond their number: a stranger's wallet. */
  readonly firstCreator: number;
  readonly message: string;
}

export interface BlockPlan {
  readonly txs: readonly TxPlan[];
  /** Transactions that earlier reorgs dropped and that come again now. */
  readonly resent: number;
}

export type ChainAction =
  | { readonly kind: 'mine'; readonly blocks: readonly BlockPlan[] }
  /** The newest `depth` blocks are replaced by `depth + longer`. */
  | { readonly kind: 'reorg'; readonly depth: number; readonly longer: number; readonly fate: Fate }
  /** The head goes back; nothing replaces it yet. */
  | { readonly kind: 'rollback'; readonly depth: number }
  /** Back to the branch that was left last. */
  | { readonly kind: 'flip' }
  /** Some endpoints serve a rival branch for a while. */
  | { readonly kind: 'split'; readonly depth: number; readonly longer: number; readonly fate: Fate }
  | { readonly kind: 'rest' };

export const FAILPOINTS = [
  'before-fetch',
  'after-fetch',
  'mid-commit',
  'after-commit',
  'before-reorg-commit',
  'before-publish',
  'after-publish',
  'before-mark',
] as const;
export type FailpointName = (typeof FAILPOINTS)[number];

export type ProcessAction =
  | { readonly kind: 'kill'; readonly at: FailpointName; readonly restartMs: number }
  | { readonly kind: 'kill-both'; readonly restartMs: number }
  /** SIGSTOP for longer than the lease, then SIGCONT. */
  | { readonly kind: 'freeze'; readonly at: FailpointName; readonly ms: number }
  /** Frozen with a commit on its way; it arrives when another leads and the cursor still stands where it did. */
  | { readonly kind: 'zombie' }
  /** A commit that the network delivers after a reorg, to the same leader's chain. */
  | { readonly kind: 'late-commit' }
  | { readonly kind: 'cut-backends' }
  | { readonly kind: 'crash-postgres' }
  | { readonly kind: 'flush-redis' }
  | { readonly kind: 'restart-redis'; readonly downMs: number }
  /** The wall clock of one process is put forward or back; what it measures durations with goes on. */
  | { readonly kind: 'clock-jump'; readonly who: 'leader' | 'standby'; readonly ms: number };

export interface FaultCharge {
  readonly endpoint: number;
  readonly kind: FaultKind;
  readonly times: number;
}

export interface Step {
  readonly chain: ChainAction;
  readonly faults: readonly FaultCharge[];
  readonly process?: ProcessAction;
  /** Endpoints that stay behind in this step. */
  readonly lagging: readonly number[];
  readonly pauseMs: number;
}

export interface Plan {
  readonly seed: number;
  /** anvil's slots in an epoch: `safe` is that far behind the head, `finalized` twice as far. */
  readonly epochSlots: number;
  readonly endpoints: number;
  /** One more endpoint serves another chain. */
  readonly stranger: boolean;
  /** Its nodes tell of transactions before their block is sealed, and not always the truth. */
  readonly promises: boolean;
  readonly traits: Traits;
  readonly steps: readonly Step[];
}

/** What a plan is rich in. `mixed` is the usual run; the others aim at one guard. */
export const EMPHASES = ['mixed', 'zombies', 'late-commits', 'moves', 'torn-reorgs', 'forgers'] as const;
export type Emphasis = (typeof EMPHASES)[number];

/** So that the dice of the chain's kind are not those of its story. */
const TRAITS_SALT = 900_001;
const CLOCK_SALT = 900_002;
const MINUTE_MS = 60_000;
const MESSAGES = ['gg', 'hello from the chaos', 'tip 🎉', 'ελληνικά', 'two\nlines', 'a longer message that somebody typed with care', ''];

/** Everything that happens to one chain, from one integer. */
export function planOf(seed: number, emphasis: Emphasis = 'mixed'): Plan {
  const dice = new Dice(seed);
  const traits = traitsFor(emphasis, dice.fork(TRAITS_SALT));
  // Two honest ones must be left beside one that forges.
  const endpoints = Math.max(dice.int(2, 3), traits.forger === undefined ? 2 : 3);
  const length = emphasis === 'mixed' ? dice.int(9, 14) : 7;
  const kind = { endpoints, emphasis, traits };
  const steps = Array.from({ length }, (_, index) => stepOf(dice.fork(index), index, kind));
  return {
    seed,
    epochSlots: dice.int(4, 7),
    endpoints,
    stranger: dice.chance(0.15),
    promises: emphasis === 'mixed' && dice.chance(0.4),
    traits,
    steps,
  };
}

function traitsFor(emphasis: Emphasis, dice: Dice): Traits {
  if (emphasis === 'mixed') return traitsOf(dice);
  return emphasis === 'forgers' ? { ...PLAIN, forger: { endpoint: dice.int(0, 2), from: 0, to: undefined } } : PLAIN;
}

interface Kind {
  readonly endpoints: number;
  readonly emphasis: Emphasis;
  readonly traits: Traits;
}

function stepOf(dice: Dice, index: number, kind: Kind): Step {
  const { endpoints, emphasis, traits } = kind;
  const chain = index === 0 ? { kind: 'mine' as const, blocks: blocksOf(dice, 3, kind) } : chainActionOf(dice, kind);
  const process = index === 0 ? undefined : (processActionOf(dice, emphasis) ?? clockJumpOf(dice.fork(CLOCK_SALT), emphasis));
  return {
    chain,
    faults: emphasis === 'mixed' ? faultsOf(dice, endpoints, traits.forger?.endpoint ?? 0) : [],
    lagging: emphasis === 'mixed' && dice.chance(0.15) ? [dice.int(0, endpoints - 1)] : [],
    pauseMs: dice.int(20, 260),
    ...(process === undefined ? {} : { process }),
  };
}

function chainActionOf(dice: Dice, { emphasis, traits }: Pick<Kind, 'emphasis' | 'traits'>): ChainAction {
  const isTurbulent = emphasis === 'moves' || emphasis === 'torn-reorgs';
  const kind = dice.weighted([
    ['mine', isTurbulent ? 3 : 5] as const,
    ['reorg', isTurbulent ? 6 : 3] as const,
    ['rollback', 0.7] as const,
    ['flip', 1] as const,
    ['split', 0.8] as const,
    ['rest', 0.5] as const,
  ]);
  switch (kind) {
    case 'mine':
      return { kind, blocks: blocksOf(dice, dice.int(0, 5), { traits }) };
    case 'reorg':
    case 'split':
      return { kind, depth: dice.int(1, dice.chance(0.4) ? 12 : 4), longer: dice.int(0, 2), fate: dice.pick(FATES) };
    case 'rollback':
      return { kind, depth: dice.int(1, 4) };
    case 'flip':
    case 'rest':
      return { kind };
  }
}

function blocksOf(dice: Dice, count: number, { traits }: Pick<Kind, 'traits'>): BlockPlan[] {
  return Array.from({ length: count }, () => ({
    txs: dice.chance(0.3) ? [] : Array.from({ length: dice.int(1, 3) }, () => txOf(dice, traits)),
    resent: dice.chance(0.5) ? dice.int(1, 3) : 0,
  }));
}

function txOf(dice: Dice, { money }: Traits): TxPlan {
  const tips = dice.chance(0.3) ? dice.int(2, 5) : 1;
  const each = dice.int(1, 1_000_000);
  const ways = money === undefined ? Array.from({ length: tips }, () => 'jar' as const) : waysOf(dice.fork(each), tips);
  return { amounts: ways.map(() => each), ways, firstCreator: dice.int(0, 99), message: dice.pick(MESSAGES) };
}

function faultsOf(dice: Dice, endpoints: number, liar: number): FaultCharge[] {
  if (dice.chance(0.25)) return [];
  return Array.from({ length: dice.int(1, 5) }, () => {
    const kind = dice.weighted(FAULTS.map(({ name, weight }) => [name, weight] as const));
    // One liar at most: what all nodes of a chain deny together cannot be known.
    const endpoint = kind === 'empty-logs' ? liar : dice.int(0, endpoints - 1);
    return { endpoint, kind, times: dice.int(1, 3) };
  });
}

const restartMs = (dice: Dice): number => dice.int(0, 600);

/** What the plans that aim at one guard do, and how often. */
const AIMED: Readonly<Record<Exclude<Emphasis, 'mixed'>, readonly [ProcessAction | undefined, number]>> = {
  zombies: [{ kind: 'zombie' }, 0.5],
  'late-commits': [{ kind: 'late-commit' }, 0.6],
  'torn-reorgs': [{ kind: 'kill', at: 'before-reorg-commit', restartMs: 0 }, 0.5],
  moves: [undefined, 0],
  forgers: [undefined, 0],
};

function clockJumpOf(dice: Dice, emphasis: Emphasis): ProcessAction | undefined {
  if (emphasis !== 'mixed' || !dice.chance(0.05)) return undefined;
  const minutes = dice.int(1, 10) * (dice.chance(0.5) ? 1 : -1);
  return { kind: 'clock-jump', who: dice.chance(0.7) ? 'leader' : 'standby', ms: minutes * MINUTE_MS };
}

function processActionOf(dice: Dice, emphasis: Emphasis): ProcessAction | undefined {
  if (emphasis !== 'mixed') return dice.chance(AIMED[emphasis][1]) ? AIMED[emphasis][0] : undefined;
  if (!dice.chance(0.15)) return undefined;
  const kind = dice.weighted([
    ['kill', 5] as const,
    ['kill-both', 0.3] as const,
    ['freeze', 1] as const,
    ['zombie', 2.5] as const,
    ['late-commit', 2] as const,
    ['cut-backends', 1] as const,
    ['crash-postgres', 0.4] as const,
    ['flush-redis', 0.6] as const,
    ['restart-redis', 0.5] as const,
  ]);
  switch (kind) {
    case 'kill':
      return { kind, at: dice.pick(FAILPOINTS), restartMs: restartMs(dice) };
    case 'kill-both':
      return { kind, restartMs: restartMs(dice) };
    case 'freeze':
      return { kind, at: dice.pick(['before-fetch', 'after-fetch', 'mid-commit', 'before-publish'] as const), ms: dice.int(1500, 2500) };
    case 'restart-redis':
      return { kind, downMs: dice.int(100, 900) };
    case 'zombie':
    case 'late-commit':
    case 'cut-backends':
    case 'crash-postgres':
    case 'flush-redis':
      return { kind };
  }
}
