import { formatUnits } from '@droppio/tips';
import { demoCreator } from './demo.js';
import type { DemoChain } from './dev-chain.js';
import { factsTable, writeFacts, type Facts } from './facts.js';
import { firstTip } from './first-tip.js';
import type { Standalone } from './start.js';

/** 0.01 ETH. */
const FIRST_TIP = 10_000_000_000_000_000n;

/** Shows a newcomer that it works: a demo creator, one real tip, and where everything is. */
export async function welcome(running: Standalone, chain: DemoChain, folder: string): Promise<void> {
  const creator = await demoCreator({ apiUrl: running.apiUrl, adminToken: running.adminToken, folder, account: chain.creator });
  const { pageUrl, webSocketUrl, accessToken, ...who } = creator;
  const facts: Facts = {
    pid: process.pid,
    overlayPage: pageUrl,
    webSocket: webSocketUrl,
    api: running.apiUrl,
    apiDocs: `${running.apiUrl}/docs`,
    metrics: `${running.internalUrl}/metrics`,
    health: `${running.internalUrl}/health/ready`,
    accessToken,
    adminToken: running.adminToken,
    creator: { id: who.id, handle: who.handle, wallet: who.wallet },
    chain: {
      chainId: chain.chainId,
      rpc: chain.node.rpcUrl,
      ws: chain.node.wsUrl,
      tipJar: chain.jar,
      tipperKey: chain.tipper.privateKey,
    },
  };
  const file = await writeFacts(folder, facts);
  const ms = await firstTip({
    webSocketUrl,
    rpcUrl: chain.node.rpcUrl,
    jar: chain.jar,
    tipper: chain.tipper,
    creator: creator.wallet,
    amount: FIRST_TIP,
    message: `Welcome to Droppio! (${new Date().toISOString()})`,
  });
  console.log(`
Droppio is running. A first tip of ${formatUnits(FIRST_TIP, 18)} ETH reached the overlay in ${ms.toFixed(0)} ms, from sending the transaction to the frame.

${factsTable(facts)}

Open the overlay page in a browser (or as an OBS browser source), then send it a tip from another terminal:
  npm run tip -- 0.01 "gg"

The same facts are in ${file}. Press Ctrl-C to stop.`);
}
