import type { INestApplicationContext } from '@nestjs/common';
import { RedisBrokerModule } from '@droppio/broker';
import {
  BackfillModule,
  BackfillRun,
  Backfills,
  WatchList,
  watchesWallets,
  type BackfillProgress,
  type ChainSettings,
} from '@droppio/chain';
import { openRooms, StartupFault } from '@droppio/platform';
import { StorageModule, storageOptions } from '@droppio/storage';
import { BackfillQueue, Clock, DroppioError, TipFeed, TipLedger, type BlockRange } from '@droppio/tips';
import type { BackfillArgs } from './backfill-args.js';
import type { ListenerSettings } from './env.js';
import { ProgressLine } from './progress-line.js';

/** Jobs that this process works at once; most of their time they wait for nodes. */
const CONCURRENCY = 3;

export interface Streams {
  readonly out: { write(text: string): unknown };
  readonly err: { readonly isTTY?: boolean; write(text: string): unknown };
}

const n = (value: number): string => value.toLocaleString('en-US');

/** `npm run backfill`: returns its exit code. Throws `StartupFault` with a sentence for whatever a person can mend. */
export async function runBackfill(args: BackfillArgs, env: ListenerSettings, over: AbortSignal, streams: Streams): Promise<number> {
  const chain = chainOf(args.chainId, env.CHAINS);
  const rooms = await openRooms({
    service: 'backfill',
    settings: env,
    rooms: [
      StorageModule.for(storageOptions(env.DATABASE_URL, env)),
      RedisBrokerModule.for({ url: env.REDIS_URL }),
      BackfillModule.for(env.CHAINS),
    ],
  });
  try {
    await rooms.get(TipFeed).ping().catch(asFault('Redis at REDIS_URL does not answer'));
    const asked = await planned(args, chain, rooms, streams);
    return asked === undefined ? 0 : await new Backfill(chain, rooms, streams).run(asked, over);
  } finally {
    await rooms.close();
  }
}

function chainOf(chainId: number, chains: readonly ChainSettings[]): ChainSettings {
  const chain = chains.find((known) => known.chainId === chainId);
  if (chain !== undefined) return chain;
  const names = chains.map((known) => `${String(known.chainId)} (${known.name})`).join(', ');
  throw new StartupFault(`Chain ${String(chainId)} is not among CHAINS, which names ${names}.`);
}

/** What is to be searched; `undefined`: nothing, and that was said. */
async function planned(
  { from, to }: BackfillArgs,
  chain: ChainSettings,
  rooms: INestApplicationContext,
  { out }: Streams,
): Promise<BlockRange | undefined> {
  const { chainId, name } = chain;
  const backfill = rooms.get(Backfills).of(chainId);
  if (backfill === undefined) throw new TypeError('every configured chain has a backfill');
  const final = await backfill.final().catch(asFault(`No node of chain ${name} tells how far it is final`));
  if (from > final)
    throw new StartupFault(
      `Block ${n(from)} of chain ${name} is not final yet; block ${n(final)} is the newest that is. Newer ones are the listener’s business.`,
    );
  const ledger = rooms.get(TipLedger);
  const settled = await ledger.settled(chainId, final).catch(asFault('Postgres cannot be asked'));
  if (settled === undefined)
    throw new StartupFault(
      `No listener has followed chain ${name} yet. Start one first: where it begins to walk is where a backfill may end.`,
    );
  if (from > settled)
    throw new StartupFault(
      `Block ${n(from)} of chain ${name} is above block ${n(settled)}, up to where the listener has found blocks final. It walks the newer ones by itself.`,
    );
  const asked = { from, to: Math.min(to ?? settled, settled) };
  const holes = await ledger.holes(chainId, backfill.filter, asked).catch(asFault('Postgres cannot be asked'));
  const range = `blocks ${n(asked.from)} to ${n(asked.to)} of chain ${name}`;
  if (to !== undefined && to > settled) out.write(`Blocks above ${n(settled)} are the listener’s business: it walks them by itself.\n`);
  out.write(holes.length === 0 ? `Nothing to do: ${range} are searched already.\n` : `Searching what is missing of ${range}.\n`);
  return holes.length === 0 ? undefined : asked;
}

class Backfill {
  private readonly line: ProgressLine;
  private readonly tally = { stored: 0, known: 0 };

  constructor(
    private readonly chain: ChainSettings,
    private readonly rooms: INestApplicationContext,
    private readonly streams: Streams,
  ) {
    this.line = new ProgressLine(streams.err);
  }

  async run(asked: BlockRange, over: AbortSignal): Promise<number> {
    const { chain, rooms } = this;
    const queue = rooms.get(BackfillQueue);
    const backfills = rooms.get(Backfills);
    const filter = backfills.of(chain.chainId)?.filter ?? '';
    const ending = new AbortController();
    const ended = AbortSignal.any([over, ending.signal]);
    const watching = watchesWallets(chain) ? rooms.get(WatchList).keep(ended) : Promise.resolve();
    await queue.work((job) => this.count(backfills.work(job, ended)), { concurrency: CONCURRENCY });
    const parts = { ledger: rooms.get(TipLedger), queue, clock: rooms.get(Clock) };
    const run = new BackfillRun({ chainId: chain.chainId, filter, asked }, parts);
    const show = (progress: BackfillProgress): void => {
      this.line.show(progress, this.tally);
    };
    try {
      const progress = await run.run(show, over).catch(asFault('The backfill cannot go on'));
      if (over.aborted) this.streams.err.write('\nStopping after the blocks in hand…\n');
      // The jobs in hand finish, and count.
      await queue.close();
      return this.conclude(progress, over.aborted);
    } finally {
      ending.abort();
      await watching;
    }
  }

  private async count(working: Promise<{ readonly stored: number; readonly known: number }>): Promise<void> {
    const { stored, known } = await working;
    this.tally.stored += stored;
    this.tally.known += known;
  }

  private conclude({ total, remaining, failed }: BackfillProgress, wasStopped: boolean): number {
    this.line.end();
    const { out, err } = this.streams;
    out.write(
      `${n(total - remaining)} of ${n(total)} blocks searched; this process stored ${n(this.tally.stored)} tips and knew ${n(this.tally.known)}.\n`,
    );
    for (const { from, to, code } of failed) err.write(`Blocks ${n(from)} to ${n(to)} failed for good: ${code}.\n`);
    if (wasStopped) out.write('Run the same command again to go on; what was searched is not searched again.\n');
    else if (failed.length > 0)
      err.write('The others are done. Run the same command again to try what failed; with LOG_LEVEL=warn it tells more of why.\n');
    return failed.length > 0 ? 1 : 0;
  }
}

function asFault(what: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof DroppioError)) throw error;
    throw new StartupFault(`${what}: ${error.message}`, { cause: error });
  };
}
