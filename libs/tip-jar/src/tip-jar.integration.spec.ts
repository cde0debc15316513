import { randomHex } from '@droppio/tips/testing';
import { NATIVE_TOKEN, type Hex } from '@droppio/tips';
import { BaseError, ContractFunctionRevertedError, parseEventLogs } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployTipJar, TIP_JAR_ADDRESS } from './deploy-tip-jar.js';
import { DevChain } from './dev-chain.js';
import { tipJarAbi } from './generated/tip-jar.js';
import { sendTip, sendTokenTip } from './send-tip.js';
import { deployContract, deployToken } from './testing/deploy-testing.js';
import * as testing from './testing/generated/contracts.js';
import { openWallet, type TipWallet } from './tip-wallet.js';

let chain: DevChain;
let wallet: TipWallet;
let jar: Hex;

beforeAll(async () => {
  chain = await DevChain.start();
  const [account] = chain.accounts;
  if (account === undefined) throw new Error('a dev chain has accounts');
  wallet = await openWallet({ rpcUrl: chain.rpcUrl, privateKey: account.privateKey, pollMs: 10 });
  jar = await deployTipJar(wallet);
});
afterAll(async () => {
  await chain.stop();
});

async function tipsOf(hash: Hex): Promise<unknown[]> {
  const { logs, status } = await wallet.waitForTransactionReceipt({ hash });
  expect(status).toBe('success');
  return parseEventLogs({ abi: tipJarAbi, logs, eventName: 'Tip' }).map((log) => log.args);
}

async function refusal(sending: Promise<unknown>): Promise<string | undefined> {
  const error = await sending.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof BaseError)) return undefined;
  const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
  return reverted instanceof ContractFunctionRevertedError ? reverted.data?.errorName : error.shortMessage;
}

const coins = (address: Hex): Promise<bigint> => wallet.getBalance({ address });
const tokens = (token: Hex, owner: Hex): Promise<bigint> =>
  wallet.readContract({ address: token, abi: testing.plainTokenAbi, functionName: 'balanceOf', args: [owner] });
const native = (fields: Partial<Parameters<typeof sendTip>[1]> = {}): Promise<Hex> =>
  sendTip(wallet, { jar, creator: randomHex(20), amount: 7n, message: 'gg', ...fields });

describe('a tip in coins', () => {
  it('reaches the creator whole and is told in one event', async () => {
    const creator = randomHex(20);
    const ref = randomHex(32);
    const tips = await tipsOf(await native({ creator, amount: 12345n, message: 'gg 🎉', ref }));
    expect(tips).toMatchObject([{ amount: 12345n, message: 'gg 🎉', ref, token: NATIVE_TOKEN }]);
    expect(await coins(creator)).toBe(12345n);
    expect(await coins(jar)).toBe(0n);
  });

  it.each([
    ['an amount of nothing', { amount: 0n }, 'ZeroAmount'],
    ['the zero address', { creator: NATIVE_TOKEN }, 'InvalidCreator'],
    ['the jar itself', { creator: TIP_JAR_ADDRESS }, 'InvalidCreator'],
    ['a message of 281 bytes', { message: 'x'.repeat(281) }, 'MessageTooLong'],
    ['a message of 280 characters and more bytes', { message: 'é'.repeat(280) }, 'MessageTooLong'],
  ])('is refused for %s', async (_, fields, error) => {
    expect(await refusal(native(fields))).toBe(error);
  });

  it('may carry a message of exactly 280 bytes, or none', async () => {
    expect(await tipsOf(await native({ message: 'x'.repeat(280) }))).toMatchObject([{ message: 'x'.repeat(280) }]);
    expect(await tipsOf(await native({ message: '' }))).toMatchObject([{ message: '' }]);
  });

  it('fails whole when the creator refuses it or tips again from inside it', async () => {
    const refusing = await deployContract(wallet, testing.refusingCreatorBytecode);
    const reentrant = await deployContract(wallet, testing.reentrantCreatorBytecode);
    expect(await refusal(native({ creator: refusing }))).toBe('TransferFailed');
    expect(await refusal(native({ creator: reentrant }))).toBe('TransferFailed');
  });

  it('may be one of several in a transaction', async () => {
    const batch = await deployContract(wallet, testing.tipBatchBytecode);
    const creators = [randomHex(20), randomHex(20), randomHex(20)];
    const hash = await wallet.writeContract({
      address: batch,
      abi: testing.tipBatchAbi,
      functionName: 'tipAll',
      args: [jar, creators, 'all'],
      value: 30n,
    });
    expect(await tipsOf(hash)).toHaveLength(3);
  });

  it('is not a plain transfer: the jar keeps nothing', async () => {
    await expect(wallet.sendTransaction({ to: jar, value: 1n })).rejects.toThrow();
  });
});

describe('a tip in tokens', () => {
  const send = async (bytecode: Hex, amount = 1000n): Promise<{ token: Hex; creator: Hex; hash: Promise<Hex> }> => {
    const token = await deployToken(wallet, 1_000_000n, bytecode);
    const creator = randomHex(20);
    return { token, creator, hash: sendTokenTip(wallet, { jar, token, creator, amount, message: 'gg' }) };
  };

  it.each([
    ['a plain token', testing.plainTokenBytecode, 1000n],
    ['a token that returns nothing', testing.noReturnTokenBytecode, 1000n],
    ['a token that takes a tenth', testing.feeTokenBytecode, 900n],
    ['a token that delivers more than was sent', testing.generousTokenBytecode, 1000n],
  ])('says what arrived of %s', async (_, bytecode, arrived) => {
    const { token, creator, hash } = await send(bytecode);
    expect(await tipsOf(await hash)).toMatchObject([{ amount: arrived }]);
    expect(await tokens(token, creator)).toBeGreaterThanOrEqual(arrived);
    expect(await tokens(token, jar)).toBe(0n);
  });

  it.each([
    ['returns false', testing.falseTokenBytecode, 'TransferFailed'],
    ['moves nothing', testing.lyingTokenBytecode, 'NothingArrived'],
    ['tips again from inside its transfer', testing.reentrantTokenBytecode, 'TransferFailed'],
  ])('is refused for a token that %s', async (_, bytecode, error) => {
    const { hash } = await send(bytecode);
    expect(await refusal(hash)).toBe(error);
  });

  const call = (token: Hex, amount: bigint, creator: Hex): Promise<Hex> =>
    wallet.writeContract({ address: jar, abi: tipJarAbi, functionName: 'tipToken', args: [token, amount, creator, 'gg', randomHex(32)] });

  it('is refused for an address without code, an amount of nothing, no allowance, and from oneself to oneself', async () => {
    const token = await deployToken(wallet, 1000n);
    expect(await refusal(call(randomHex(20), 1n, randomHex(20)))).toBe('NotAToken');
    expect(await refusal(call(token, 0n, randomHex(20)))).toBe('ZeroAmount');
    expect(await refusal(call(token, 1n, randomHex(20)))).toBe('TransferFailed');
    await wallet.writeContract({ address: token, abi: testing.plainTokenAbi, functionName: 'approve', args: [jar, 10n] });
    expect(await refusal(call(token, 1n, wallet.account.address))).toBe('NothingArrived');
  });
});

describe(deployTipJar.name, () => {
  it('finds the jar that is there', async () => {
    const nonce = await wallet.getTransactionCount({ address: wallet.account.address });
    expect(await deployTipJar(wallet)).toBe(TIP_JAR_ADDRESS);
    expect(await wallet.getTransactionCount({ address: wallet.account.address })).toBe(nonce);
  });
});
