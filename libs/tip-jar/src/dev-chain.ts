import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { createTestClient, http } from 'viem';
import { DevChainFault, findAnvil } from './anvil-binary.js';
import { startAnvil, stopChild, type AnvilProcess } from './anvil-process.js';
import { hasState, saveState, StateKeeper } from './chain-state.js';
import { devAccounts, type DevAccount } from './dev-accounts.js';
import { findOrphan, forgetOccupant, noteOccupant, stopOrphan } from './leftover-chain.js';

export interface DevChainOptions {
  /** Default: the npm package of this platform, else `anvil` on PATH. */
  readonly anvilPath?: string | undefined;
  readonly host?: string;
  /** 0: any free port. */
  readonly port?: number;
  /** Keeps the chain across restarts; without it every start is a new chain. Its folder is made when missing. */
  readonly stateFile?: string;
  readonly saveEveryMs?: number;
  readonly chainId?: number;
  /** 1 makes `safe` and `finalized` follow the head by one and two blocks. */
  readonly slotsInAnEpoch?: number;
  /** Seconds between blocks; without it a block is mined for every transaction. */
  readonly blockTime?: number;
  /** Fixes the genesis, so that two chains can have equal block hashes. Unix seconds. */
  readonly timestamp?: number;
  readonly startTimeoutMs?: number;
  /** Names of the settings behind `port` and `anvilPath`, for sentences about a taken port or a missing program. */
  readonly portSetting?: string;
  readonly pathSetting?: string;
}

const STOP_PATIENCE_MS = 5000;

/** A local anvil: a real EVM node for development and tests. Never outlives `stop()`, and dies with an orderly exit of its parent. */
export class DevChain {
  readonly rpcUrl: string;
  readonly wsUrl: string;
  /** Resolves when the node is gone, whoever ended it. */
  readonly exited: Promise<void>;
  private stopping: Promise<void> | undefined;

  private constructor(
    host: string,
    private readonly anvil: AnvilProcess,
    readonly accounts: readonly DevAccount[],
    private readonly state: { keeper: StateKeeper; pidFile: string } | undefined,
  ) {
    this.rpcUrl = httpUrl(host, anvil.port);
    this.wsUrl = this.rpcUrl.replace('http', 'ws');
    const kill = (): void => {
      anvil.child.kill('SIGKILL');
    };
    process.once('exit', kill);
    this.exited = new Promise((done) => {
      anvil.child.once('exit', () => {
        process.off('exit', kill);
        done();
      });
    });
  }

  get pid(): number {
    return this.anvil.pid;
  }

  get port(): number {
    return this.anvil.port;
  }

  /** Throws `DevChainFault` with a sentence for the person at the terminal. */
  static async start(options: DevChainOptions = {}): Promise<DevChain> {
    const { host = '127.0.0.1', pathSetting = 'ANVIL_PATH', saveEveryMs = 1000 } = options;
    const stateFile = options.stateFile === undefined ? undefined : resolve(options.stateFile);
    const title = `anvil[${stateFile ?? 'droppio'}]`;
    if (stateFile !== undefined) await takeOver(stateFile, title);
    const anvil = await startAnvil({
      binary: findAnvil(options.anvilPath, pathSetting),
      args: await anvilArguments(options, host, stateFile),
      title,
      host,
      port: options.port ?? 0,
      portSetting: options.portSetting ?? 'DEV_CHAIN_PORT',
      pathSetting,
      startTimeoutMs: options.startTimeoutMs ?? 15_000,
    });
    const rpcUrl = httpUrl(host, anvil.port);
    try {
      await createTestClient({ mode: 'anvil', transport: http(rpcUrl, { retryCount: 0 }) }).setLoggingEnabled(false);
      if (stateFile === undefined) return new DevChain(host, anvil, devAccounts(10), undefined);
      await noteOccupant(pidFileOf(stateFile), { pid: anvil.pid, parent: process.pid, rpcUrl });
      const keeper = new StateKeeper(rpcUrl, stateFile, saveEveryMs);
      keeper.start();
      return new DevChain(host, anvil, devAccounts(10), { keeper, pidFile: pidFileOf(stateFile) });
    } catch (error) {
      anvil.child.kill('SIGKILL');
      throw new DevChainFault('The local chain started and does not answer.', { cause: error });
    }
  }

  /** Saves, then ends the node; safe to call twice. Rejects when the last save failed: the node is gone all the same. */
  stop(): Promise<void> {
    return (this.stopping ??= this.end());
  }

  private async end(): Promise<void> {
    const alive = this.anvil.child.exitCode === null && this.anvil.child.signalCode === null;
    try {
      if (alive) await this.state?.keeper.stop();
    } finally {
      await stopChild(this.anvil.child, STOP_PATIENCE_MS);
      if (this.state !== undefined) await forgetOccupant(this.state.pidFile);
    }
  }
}

/** A chain whose parent was killed still knows blocks that the last save does not: they are fetched before it is stopped. */
async function takeOver(stateFile: string, title: string): Promise<void> {
  await mkdir(dirname(stateFile), { recursive: true });
  const orphan = await findOrphan(pidFileOf(stateFile), title);
  if (orphan !== undefined) {
    // An orphan that no longer answers is stopped with what was saved before.
    await saveState(orphan.rpcUrl, stateFile).catch(() => undefined);
    await stopOrphan(orphan.pid);
  }
  await forgetOccupant(pidFileOf(stateFile));
}

async function anvilArguments(options: DevChainOptions, host: string, stateFile: string | undefined): Promise<string[]> {
  const args = ['--host', host, '--port', String(options.port ?? 0)];
  const add = (flag: string, value: number | string | undefined): void => {
    if (value !== undefined) args.push(flag, String(value));
  };
  add('--chain-id', options.chainId);
  add('--slots-in-an-epoch', options.slotsInAnEpoch);
  add('--block-time', options.blockTime);
  add('--timestamp', options.timestamp);
  add('--load-state', stateFile !== undefined && (await hasState(stateFile)) ? stateFile : undefined);
  return args;
}

const pidFileOf = (stateFile: string): string => `${stateFile}.pid`;
const httpUrl = (host: string, port: number): string => `http://${host}:${String(port)}`;
