import { tipId, TipLedger } from '@droppio/tips';
import { aBlock, aTip, aChildOf, randomInt } from '@droppio/tips/testing';
import { mine, type RouteRow, type Scene } from './row.js';

/** Id of a tip to the owner, in a block of a chain of its own. */
async function aTipOf({ api, wallet }: Scene): Promise<{ id: string }> {
  const ledger = api.app.get(TipLedger, { strict: false });
  const [chainId, genesis] = [1_000_000 + randomInt(1_000_000_000), aBlock()];
  const tip = aTip({ creator: `0x${wallet.address.slice(2).toLowerCase()}` });
  await ledger.begin(chainId, genesis, 1);
  const block = aChildOf(genesis);
  await ledger.commit(chainId, 1, { block, seenAtMs: block.timestampMs, tips: [tip], quarantined: [] });
  return { id: tipId({ chainId, ...tip }) };
}

export const tipRoutes: Readonly<Record<string, RouteRow>> = {
  listTips: mine('read', 200),
  getTip: mine('read', 200, { params: aTipOf }),
  exportTips: mine('read', 200),
  getStatsSummary: mine('read', 200),
  getStatsSeries: mine('read', 200, { query: 'from=2026-11-01&to=2026-11-30&tz=Europe/Berlin' }),
  getTopTippers: mine('read', 200),
};
