import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hex, RegisteredWallet, WalletRegister } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';

/** A register that the suite can write to. */
export interface RegisterWorld {
  readonly register: WalletRegister;
  /** Registers a wallet, as if that had been so long ago. */
  add(wallet: Hex, ageMs: number): Promise<void>;
  close(): Promise<void>;
}

/** What every `WalletRegister` promises. */
export function describeWalletRegister(where: string, make: () => Promise<RegisterWorld>): void {
  describe(`WalletRegister on ${where}`, () => {
    let world: RegisterWorld;
    const added: Hex[] = [];

    beforeAll(async () => {
      world = await make();
      for (let n = 0; n < 25; n += 1) {
        const wallet = randomHex(20);
        added.push(wallet);
        await world.add(wallet, 3_600_000 * (25 - n));
      }
    });
    afterAll(() => world.close());

    async function pages(limit: number): Promise<RegisteredWallet[]> {
      const all: RegisteredWallet[] = [];
      for (;;) {
        const after = all.at(-1)?.address;
        const page = await world.register.wallets({ limit, ...(after === undefined ? {} : { after }) });
        all.push(...page);
        if (page.length < limit) return all;
      }
    }

    it.each([1, 7, 25, 1000])('tells every wallet once, page by page of %i', async (limit) => {
      const told = (await pages(limit)).map(({ address }) => address);
      expect(told).toEqual([...added].sort());
    });

    it('tells when a wallet was registered', async () => {
      const [newest] = await world.register.walletsSince(3_660_000, 10);
      expect(newest?.address).toBe(added.at(-1));
      const agoMs = Date.now() - (newest?.registeredAtMs ?? 0);
      expect(Math.abs(agoMs - 3_600_000)).toBeLessThan(60_000);
    });

    it('tells those of the last hours, oldest first, and no more than asked for', async () => {
      const since = async (hours: number, limit: number): Promise<Hex[]> =>
        (await world.register.walletsSince(hours * 3_600_000 + 60_000, limit)).map(({ address }) => address);
      expect(await since(3, 100)).toEqual(added.slice(-3));
      expect(await since(3, 2)).toEqual(added.slice(-3, -1));
      expect(await world.register.walletsSince(1000, 100)).toEqual([]);
    });

    it('knows a wallet from the moment its registration is done', async () => {
      const wallet = randomHex(20);
      await world.add(wallet, 0);
      expect((await world.register.walletsSince(60_000, 10)).map(({ address }) => address)).toEqual([wallet]);
      expect((await pages(10)).map(({ address }) => address)).toContain(wallet);
    });
  });
}
