import { toHex, type Hex } from '@droppio/tips';
import type { Abi } from 'viem';
import { DeployFailed } from '../deploy-tip-jar.js';
import type { TipWallet } from '../tip-wallet.js';
import { plainTokenAbi, plainTokenBytecode } from './generated/contracts.js';

/** Deploys a contract without constructor arguments and returns its address. */
export async function deployContract(wallet: TipWallet, bytecode: Hex, abi: Abi = []): Promise<Hex> {
  const hash = await wallet.deployContract({ abi, bytecode });
  const { contractAddress, status } = await wallet.waitForTransactionReceipt({ hash, timeout: 20_000 });
  if (status !== 'success' || contractAddress === null || contractAddress === undefined)
    throw new DeployFailed('The contract was not created.');
  return toHex(contractAddress, 20);
}

/** Deploys a token of `contracts/testing/Tokens.sol` and gives the wallet's account some of it. */
export async function deployToken(wallet: TipWallet, supply: bigint, bytecode: Hex = plainTokenBytecode): Promise<Hex> {
  const token = await deployContract(wallet, bytecode);
  const hash = await wallet.writeContract({
    address: token,
    abi: plainTokenAbi,
    functionName: 'mint',
    args: [wallet.account.address, supply],
  });
  await wallet.waitForTransactionReceipt({ hash, timeout: 20_000 });
  return token;
}
