import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { decodeFunctionData, encodeAbiParameters, toEventSelector } from 'viem';
import { describe, expect, it } from 'vitest';
import { TIP_JAR_ADDRESS } from './deploy-tip-jar.js';
import { devAccounts } from './dev-accounts.js';
import { tipJarAbi } from './generated/tip-jar.js';
import { TIP_TOPIC } from './send-tip.js';

const run = promisify(execFile);

describe('the generated contract', () => {
  it('is what the compiler makes of the Solidity sources', async () => {
    const compile = fileURLToPath(new URL('../compile.mjs', import.meta.url));
    await expect(run(process.execPath, [compile, '--check'])).resolves.toBeDefined();
  }, 30_000);

  it('emits the event whose topic the listener looks for', () => {
    const event = tipJarAbi.find((entry) => entry.type === 'event');
    expect(event && toEventSelector(event)).toBe(TIP_TOPIC);
  });

  it('can neither be owned, upgraded nor paid by a plain transfer', () => {
    const names = tipJarAbi.filter((entry) => entry.type === 'function').map((entry) => entry.name);
    expect(names.sort()).toEqual(['MAX_MESSAGE_BYTES', 'tip', 'tipToken']);
    expect(tipJarAbi.map((entry) => entry.type)).not.toContain('receive');
    expect(tipJarAbi.map((entry) => entry.type)).not.toContain('fallback');
    expect(() => decodeFunctionData({ abi: tipJarAbi, data: encodeAbiParameters([], []) })).toThrow();
  });

  it('has one address for all chains, lower-cased', () => {
    expect(TIP_JAR_ADDRESS).toMatch(/^0x[0-9a-f]{40}$/);
  });
});

describe(devAccounts.name, () => {
  it('gives the accounts that every anvil funds', () => {
    const [first, second] = devAccounts(2);
    expect(first?.address).toBe('0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266');
    expect(first?.privateKey).toBe('0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80');
    expect(second?.address).toBe('0x70997970c51812dc3a010c7d01b50e0d17dc79c8');
  });
});
