import { DroppioError, toHex, type Hex } from '@droppio/tips';
import { concatHex, getContractAddress } from 'viem';
import { tipJarBytecode } from './generated/tip-jar.js';
import type { TipWallet } from './tip-wallet.js';

/** The deployment proxy that stands at this address on practically every EVM chain (and on anvil): CREATE2 with a salt that the caller chooses. */
const DEPLOYMENT_PROXY: Hex = '0x4e59b44847b379578588920ca78fbf26c0b4956c';
const SALT: Hex = `0x${'00'.repeat(32)}`;

/** The address of the jar on every chain where it was deployed by `deployTipJar`: it depends on the contract's code alone. */
export const TIP_JAR_ADDRESS: Hex = toHex(
  getContractAddress({ opcode: 'CREATE2', from: DEPLOYMENT_PROXY, salt: SALT, bytecode: tipJarBytecode }),
  20,
);

/** The jar could not be put on this chain. */
export class DeployFailed extends DroppioError {
  readonly code = 'deploy-failed';
  readonly retryable = false;
}

/** Deploys the jar unless it is there already; two calls at once end with one jar. Returns its address. */
export async function deployTipJar(wallet: TipWallet): Promise<Hex> {
  if (await hasCode(wallet, TIP_JAR_ADDRESS)) return TIP_JAR_ADDRESS;
  if (!(await hasCode(wallet, DEPLOYMENT_PROXY))) {
    throw new DeployFailed(`This chain has no deployment proxy at ${DEPLOYMENT_PROXY}; deploy the contract by other means.`);
  }
  const hash = await wallet.sendTransaction({ to: DEPLOYMENT_PROXY, data: concatHex([SALT, tipJarBytecode]) });
  await wallet.waitForTransactionReceipt({ hash, timeout: 60_000 });
  // The receipt may be a failure because somebody else was faster: what counts is the code.
  if (!(await hasCode(wallet, TIP_JAR_ADDRESS))) throw new DeployFailed('The deployment was mined and left no contract.');
  return TIP_JAR_ADDRESS;
}

async function hasCode(wallet: TipWallet, address: Hex): Promise<boolean> {
  const code = await wallet.getCode({ address });
  return code !== undefined && code !== '0x';
}
