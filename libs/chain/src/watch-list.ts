import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { backoffMs, StorageUnavailable, within, type Clock, type Hex, type RegisteredWallet, type WalletRegister } from '@droppio/tips';
import { AddressSieve } from './address-sieve.js';
import type { WatchMetrics } from './watch-metrics.js';

const LOOK_MS = 1000;
const RELOAD_MS = 600_000;
const PAGE = 5000;
/**
 * How much further back than to the last look: a registration counts from the beginning of its transaction and can be seen from its end on.
 * Longer than any transaction of ours may take.
 */
const OVERLAP_MS = 60_000;
const READ_MS = 10_000;
const RETRY = { baseMs: 250, capMs: 10_000 };
const LEAST_PAUSE_MS = 100;
/** How long a block waits for the first load before its reading fails, to be tried again. */
const FIRST_LOAD_MS = 5000;

/**
 * The wallets of all creators in memory, for looking up every transfer of a busy chain. New ones appear about a second after they were
 * registered; now and then everything is read again, so that wallets that are gone go. When the register cannot be read, the list stays.
 */
export class WatchList {
  private readonly logger = new Logger('chain');
  /** With the time of registration, Unix milliseconds. */
  private wallets = new Map<Hex, number>();
  private sieve = new AddressSieve();
  private readonly listeners: ((added: readonly RegisteredWallet[]) => void)[] = [];
  private loadedAtMs: number | undefined;
  private lookedAtMs = 0;
  private turn = Promise.resolve();
  private markLoaded: () => void = () => undefined;
  private readonly firstLoad = new Promise<void>((resolve) => {
    this.markLoaded = resolve;
  });

  constructor(
    private readonly register: WalletRegister,
    private readonly clock: Clock,
    private readonly metrics: WatchMetrics,
  ) {}

  get size(): number {
    return this.wallets.size;
  }

  has(address: Hex): boolean {
    return this.wallets.has(address);
  }

  /** False: certainly none of them, and cheaper to know. Takes a topic that ends with the address as well. */
  maybe(topic: Hex): boolean {
    return this.sieve.maybe(topic);
  }

  /** Those registered at or after a moment. Looks at all of them: not for every block. */
  since(registeredAtMs: number): readonly RegisteredWallet[] {
    const found: RegisteredWallet[] = [];
    for (const [address, at] of this.wallets) if (at >= registeredAtMs) found.push({ address, registeredAtMs: at });
    return found;
  }

  /** Resolves once everything was read; throws `StorageUnavailable` when that takes too long. */
  async loaded(): Promise<void> {
    if (this.loadedAtMs !== undefined) return;
    await within(FIRST_LOAD_MS, 'loading the wallets', this.firstLoad).catch((error: unknown) => {
      throw new StorageUnavailable('The wallets of the creators are not known yet.', { cause: error });
    });
  }

  /** Told of wallets that appear after the first load, in the very moment from which `has` knows them. */
  onAdded(listener: (added: readonly RegisteredWallet[]) => void): void {
    this.listeners.push(listener);
  }

  /** Keeps the list until `signal` aborts. Never rejects. */
  async keep(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.refresh();
        failures = 0;
        await this.clock.sleep(LOOK_MS, signal);
      } catch (error) {
        this.metrics.failed('wallets');
        this.logger.warn('wallets.failed', { failures, ...errorFields(error) });
        await this.clock.sleep(LEAST_PAUSE_MS + backoffMs(failures, RETRY), signal);
        failures += 1;
      }
    }
  }

  /** A look at the register that begins now, or after the one that is under way. Throws `StorageUnavailable`; the list then is as it was. */
  refresh(): Promise<void> {
    const next = this.turn.then(() => this.refreshNow());
    this.turn = next.catch(() => undefined);
    return next;
  }

  private async refreshNow(): Promise<void> {
    const startedAtMs = this.clock.now();
    const isDue = this.loadedAtMs === undefined || startedAtMs - this.loadedAtMs >= RELOAD_MS;
    if (isDue) await this.load(startedAtMs);
    else await this.look(startedAtMs);
    this.lookedAtMs = startedAtMs;
    this.metrics.watches(this.wallets.size, startedAtMs);
  }

  private async load(startedAtMs: number): Promise<void> {
    const wallets = new Map<Hex, number>();
    const sieve = new AddressSieve();
    let page: readonly RegisteredWallet[];
    let after: Hex | undefined;
    do {
      page = await this.read(this.register.wallets({ limit: PAGE, ...(after === undefined ? {} : { after }) }));
      for (const { address, registeredAtMs } of page) {
        wallets.set(address, registeredAtMs);
        sieve.add(address);
      }
      after = page.at(-1)?.address;
    } while (page.length === PAGE);
    const isFirst = this.loadedAtMs === undefined;
    const known = this.wallets;
    this.wallets = wallets;
    this.sieve = sieve;
    this.loadedAtMs = startedAtMs;
    if (isFirst) this.markLoaded();
    else this.tell([...wallets].filter(([address]) => !known.has(address)).map(([address, at]) => ({ address, registeredAtMs: at })));
  }

  private async look(startedAtMs: number): Promise<void> {
    const found = await this.read(this.register.walletsSince(startedAtMs - this.lookedAtMs + OVERLAP_MS, PAGE));
    const added = found.filter(({ address }) => !this.wallets.has(address));
    for (const { address, registeredAtMs } of added) {
      this.wallets.set(address, registeredAtMs);
      this.sieve.add(address);
    }
    this.tell(added);
    // There may be more of them than were told.
    if (found.length === PAGE) await this.load(startedAtMs);
  }

  private tell(added: readonly RegisteredWallet[]): void {
    if (added.length === 0) return;
    for (const listener of this.listeners) listener(added);
  }

  private read<T>(reading: Promise<T>): Promise<T> {
    return within(READ_MS, 'reading the wallets', reading);
  }
}
