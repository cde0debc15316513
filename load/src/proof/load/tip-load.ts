import type { Hex } from '@droppio/tips';
import type { Dice } from '../../chaos/dice.js';
import type { ChainDriver, RawTx } from './chain-driver.js';
import type { TipMint } from './tip-mint.js';

const BATCH_SHARE = 0.06;
const TICK_MS = 50;

/** Viewers: so many tips a second, to one creator or another, now and then several with one transaction. */
export class TipLoad {
  /** Tips that were handed to the chain. */
  sent = 0;
  private timer: NodeJS.Timeout | undefined;
  private owed = 0;
  private signing: Promise<unknown> = Promise.resolve();
  private failure: Error | undefined;

  constructor(
    private readonly chain: ChainDriver,
    private readonly mint: TipMint,
    private readonly wallets: readonly Hex[],
    private readonly dice: Dice,
  ) {}

  begin(perSecond: number): void {
    let last = performance.now();
    this.timer = setInterval(() => {
      const now = performance.now();
      this.owed += ((now - last) / 1000) * perSecond;
      last = now;
      const due = Math.floor(this.owed);
      this.owed -= due;
      if (due > 0)
        this.signing = this.signing
          .then(() => this.send(due))
          .catch((error: unknown) => (this.failure ??= error instanceof Error ? error : new Error(String(error))));
    }, TICK_MS);
  }

  async pause(): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    await this.signing;
    if (this.failure !== undefined) throw this.failure;
  }

  /** One tip, now. */
  async tip(wallet: Hex, message = this.message()): Promise<RawTx> {
    const tx = await this.mint.tip(wallet, this.amount(), message);
    this.chain.queue(tx);
    this.sent += 1;
    return tx;
  }

  async batch(wallets: readonly Hex[], message = this.message()): Promise<RawTx> {
    const tx = await this.mint.batch(wallets, this.amount(), message);
    this.chain.queue(tx);
    this.sent += wallets.length;
    return tx;
  }

  private async send(due: number): Promise<void> {
    for (let left = due; left > 0;) {
      if (left >= 3 && this.dice.chance(BATCH_SHARE)) {
        await this.batch([this.dice.pick(this.wallets), this.dice.pick(this.wallets), this.dice.pick(this.wallets)]);
        left -= 3;
      } else {
        await this.tip(this.dice.pick(this.wallets));
        left -= 1;
      }
    }
  }

  private amount(): bigint {
    return BigInt(this.dice.int(1, 1_000_000)) * 1_000_000_000n;
  }

  private message(): string {
    return `tip ${String(this.sent)} of many, number ${String(this.dice.int(0, 999_999))}`;
  }
}
