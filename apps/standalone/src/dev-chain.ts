import { join } from 'node:path';
import { StartupFault } from '@droppio/platform';
import { deployTipJar, DevChain, DevChainFault, openWallet, type DevAccount } from '@droppio/tip-jar';
import type { Hex } from '@droppio/tips';

export interface DemoChain {
  readonly node: DevChain;
  readonly chainId: number;
  readonly jar: Hex;
  readonly creator: DevAccount;
  readonly tipper: DevAccount;
}

export interface DevChainPlan {
  readonly folder: string;
  readonly host: string;
  readonly port: number;
  readonly anvilPath: string | undefined;
}

/** A local chain whose blocks are kept in the data folder, with the tip jar on it. */
export async function startDevChain({ folder, host, port, anvilPath }: DevChainPlan): Promise<DemoChain> {
  try {
    const node = await DevChain.start({ anvilPath, host, port, stateFile: join(folder, 'chain', 'state.json'), slotsInAnEpoch: 1 });
    return await furnish(node).catch(async (error: unknown) => {
      await node.stop();
      throw error;
    });
  } catch (error) {
    throw error instanceof DevChainFault ? new StartupFault(error.message, { cause: error }) : error;
  }
}

async function furnish(node: DevChain): Promise<DemoChain> {
  const [deployer, creator, tipper] = node.accounts;
  if (deployer === undefined || creator === undefined || tipper === undefined) throw new DevChainFault('The local chain has no accounts.');
  const wallet = await openWallet({ rpcUrl: node.rpcUrl, privateKey: deployer.privateKey });
  return { node, chainId: wallet.chain.id, jar: await deployTipJar(wallet), creator, tipper };
}
