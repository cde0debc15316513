import { SHOW_EVERYTHING, ModerationDesk, TipLedger, tipId, toHex } from '@droppio/tips';
import { aBlock, aChildOf, aTip, randomInt } from '@droppio/tips/testing';
import { mine, type RouteRow, type Scene } from './row.js';

export const moderationRoutes: Readonly<Record<string, RouteRow>> = {
  getModeration: mine('read', 200),
  replaceModeration: mine('write', 200, { body: () => ({ mode: 'hold' }), headers: () => ({ 'if-match': '*' }) }),
  listAlerts: mine('read', 200),
  approveAlert: mine('moderate', 200, { params: aHeldTip }),
  rejectAlert: mine('moderate', 200, { params: aHeldTip }),
  hideAlertMessage: mine('moderate', 200, { params: aShownTip }),
  replayAlert: mine('moderate', 202, { params: aShownTip }),
  getQueue: mine('read', 200),
  setQueue: mine('moderate', 200, { body: () => ({ paused: false, muted: true }) }),
  skipAlert: mine('moderate', 202),
  clearAlerts: mine('moderate', 202),
};

async function aHeldTip({ api, owner, wallet }: Scene): Promise<{ tipId: string }> {
  const desk = api.app.get(ModerationDesk, { strict: false });
  await desk.setRules(owner.id, 'any', { ...SHOW_EVERYTHING, mode: 'hold' });
  const ledger = api.app.get(TipLedger, { strict: false });
  const chainId = 1_000_000 + randomInt(1_000_000_000);
  const [genesis, tip] = [aBlock(), aTip({ creator: toHex(wallet.address) })];
  await ledger.begin(chainId, genesis, 1);
  const block = aChildOf(genesis);
  await ledger.commit(chainId, 1, { block, seenAtMs: block.timestampMs, tips: [tip], quarantined: [] });
  await ledger.screen(owner.id);
  return { tipId: tipId({ chainId, txHash: tip.txHash, ordinal: tip.ordinal }) };
}

async function aShownTip(scene: Scene): Promise<{ tipId: string }> {
  const made = await aHeldTip(scene);
  await scene.api.call('POST', `/v1/alerts/${made.tipId}/approve`, { token: scene.owner.accessToken });
  return made;
}
