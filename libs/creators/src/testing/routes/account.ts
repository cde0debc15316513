import { TipLedger, tipId } from '@droppio/tips';
import { aBlock, aChildOf, aTip, randomInt } from '@droppio/tips/testing';
import { mine, operators, overlays, type RouteRow, type Scene } from './row.js';

export const accountRoutes: Readonly<Record<string, RouteRow>> = {
  listAuditEntries: mine('account', 200, { fresh: false }),
  listOperatorAuditEntries: operators(200),
  deleteMe: mine('account', 204, { body: ({ owner }) => ({ handle: owner.handle }), other: 400, ends: true }),
  exportMe: mine('account', 200),
  pollOverlayEvents: overlays(200, { query: 'wait=1' }),
  getOverlayWidget: overlays(200),
  eraseTipMessage: mine('write', 204, { params: async (scene) => ({ id: await aTipOf(scene) }) }),
};

/** The id of a new tip to the owner, on a chain of its own. */
async function aTipOf({ api, wallet }: Scene): Promise<string> {
  const ledger = api.app.get(TipLedger, { strict: false });
  const chainId = 1_000_000 + randomInt(1_000_000_000);
  const genesis = aBlock({ number: 1 });
  const tip = aTip({ creator: `0x${wallet.address.slice(2).toLowerCase()}` });
  await ledger.begin(chainId, genesis, 1);
  await ledger.commit(chainId, 1, { block: aChildOf(genesis), seenAtMs: Date.now(), tips: [tip], quarantined: [] });
  return tipId({ chainId, txHash: tip.txHash, ordinal: tip.ordinal });
}
