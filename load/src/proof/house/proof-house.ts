import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { RedisServer } from '@droppio/broker/testing';
import { freePort, ROOT } from '@droppio/e2e/houses';
import { sql } from '../../chaos/audit.js';
import { NodeGate } from '../faults/node-gate.js';
import { TcpGate } from '../faults/tcp-gate.js';
import { ChainDriver } from '../load/chain-driver.js';
import { TipMint } from '../load/tip-mint.js';
import { LedgerOfTruth } from '../truth/ledger-of-truth.js';
import { CHAIN_ID, LOAD, type HousePlan } from './house-plan.js';
import { Member } from './member.js';
import { PostgresBox } from './postgres-box.js';
import { SmallDisk } from './small-disk.js';

/** Final is what has two epochs of this many blocks on top. */
export const EPOCH_SLOTS = 32;
const PROVIDERS = { plain: 1, replica: 1, 'small-disk': 1, 'three-providers': 3 } as const;

/** The services of a run, each behind a gate of its own for each kind of user. */
interface Services {
  readonly disk: SmallDisk | undefined;
  readonly postgres: PostgresBox;
  readonly redis: RedisServer;
  readonly replica: RedisServer | undefined;
  /** What the replica hears the first one through. */
  readonly replication: TcpGate | undefined;
  readonly chain: ChainDriver;
}

/** The trio as in production: api, a leading and a standby listener, three gateways; Redis, Postgres and a node, all behind proxies. */
export class ProofHouse {
  private readonly borrowed: TcpGate[] = [];

  private constructor(
    readonly plan: HousePlan,
    readonly services: Services,
    readonly gates: {
      readonly postgres: TcpGate;
      readonly redis: TcpGate;
      readonly overlays: TcpGate;
      readonly shaky: TcpGate;
      readonly nodes: readonly NodeGate[];
    },
    private readonly processes: { readonly api: Member; readonly listeners: readonly Member[]; readonly gateways: readonly Member[] },
    readonly facts: { readonly apiUrl: string; readonly adminToken: string; readonly databaseUrl: string; readonly mint: TipMint },
  ) {}

  get api(): Member {
    return this.processes.api;
  }

  get listeners(): readonly Member[] {
    return this.processes.listeners;
  }

  get gateways(): readonly Member[] {
    return this.processes.gateways;
  }

  get members(): readonly Member[] {
    return [this.api, ...this.listeners, ...this.gateways];
  }

  /** Providers of the chain, as the listeners see them. */
  get nodes(): readonly NodeGate[] {
    return this.gates.nodes;
  }

  static async start(plan: HousePlan): Promise<ProofHouse> {
    const services = await startServices(plan);
    const mint = new TipMint(CHAIN_ID);
    await prepareChain(services.chain, mint);
    const postgres = await TcpGate.open([services.postgres.port]);
    const redis = await TcpGate.open([services.redis.port]);
    const [overlays, shaky] = [await TcpGate.open([]), await TcpGate.open([])];
    const nodes = await Promise.all(Array.from({ length: PROVIDERS[plan.kind] }, () => NodeGate.open(services.chain.url)));
    const apiPort = await freePort();
    const facts = {
      apiUrl: `http://127.0.0.1:${String(apiPort)}`,
      adminToken: randomBytes(32).toString('hex'),
      databaseUrl: `${services.postgres.url.replace(/\/postgres$/, '')}/proof`,
      mint,
    };
    await sql(services.postgres.url, 'CREATE DATABASE proof');
    const shared = {
      INTERNAL_PORT: '0',
      HOST: '127.0.0.1',
      REDIS_URL: `redis://127.0.0.1:${String(redis.port)}`,
      OVERLAY_TOKEN_KEYS: `1:${randomBytes(32).toString('hex')}`,
      ...(plan.nodeOptions === '' ? {} : { NODE_OPTIONS: plan.nodeOptions }),
    };
    const database = { ...shared, DATABASE_URL: `postgres://postgres@127.0.0.1:${String(postgres.port)}/proof` };
    const api = new Member('api', 'api', {
      ...database,
      PORT: String(apiPort),
      ADMIN_TOKEN: facts.adminToken,
      PUBLIC_PAGE_URL: `${facts.apiUrl}/overlay`,
      PUBLIC_GATEWAY_URL: `ws://127.0.0.1:${String(overlays.port)}/overlay`,
      OVERLAY_PAGE_DIR: resolve(ROOT, 'apps/overlay/dist'),
      // Everybody comes from one address here.
      API_RATE_ADDRESS: '0',
    });
    const chains = chainSetting(plan, nodes, mint);
    const listeners = ['listener-a', 'listener-b'].map((name) => new Member(name, 'listener', { ...database, CHAINS: chains }));
    const limits = {
      GATEWAY_MAX_SOCKETS_PER_IP: '0',
      GATEWAY_MAX_UNAUTHENTICATED_PER_IP: '0',
      GATEWAY_UPGRADES_PER_MINUTE_PER_IP: '0',
      GATEWAY_MAX_SOCKETS_PER_TOKEN: '0',
      GATEWAY_PING_MS: '5000',
    };
    const gateways = Array.from(
      { length: LOAD.gateways },
      (_, n) => new Member(`gateway-${String(n)}`, 'gateway', { ...shared, ...limits, PORT: '0', DRAIN_DELAY_MS: '0' }),
    );
    const house = new ProofHouse(plan, services, { postgres, redis, overlays, shaky, nodes }, { api, listeners, gateways }, facts);
    await house.open();
    return house;
  }

  /** Who is in service takes new overlays. */
  route(members: readonly Member[] = this.gateways): void {
    const ports = members.map(({ port }) => port);
    this.gates.overlays.targets = ports;
    this.gates.shaky.targets = ports;
  }

  /** Closed when the house is. */
  borrow(gate: TcpGate): void {
    this.borrowed.push(gate);
  }

  /** Reads from Postgres itself, past the gate. */
  rows(statement: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    return sql(this.facts.databaseUrl, statement, values);
  }

  async stop(): Promise<void> {
    for (const member of [...this.members].reverse()) if (member.isUp) await member.end('SIGKILL');
    const { nodes, ...others } = this.gates;
    await Promise.all([...Object.values(others), ...nodes, ...this.borrowed].map((gate) => gate.close()));
    const { chain, postgres, redis, replica, replication, disk } = this.services;
    await Promise.all([chain.stop(), redis.stop(), replica?.stop(), replication?.close()]);
    await postgres.stop();
    await disk?.remove();
  }

  private async open(): Promise<void> {
    // The first one brings the database to its schema; the others need it.
    await this.api.start();
    if (this.plan.extraSql !== '') await this.rows(this.plan.extraSql);
    await Promise.all([...this.listeners, ...this.gateways].map((member) => member.start()));
    this.route();
  }
}

async function startServices(plan: HousePlan): Promise<Services> {
  const disk = plan.kind === 'small-disk' ? await SmallDisk.mount() : undefined;
  const [postgres, redis, chain] = await Promise.all([
    PostgresBox.start(disk?.path),
    RedisServer.start(plan.redisServerPath, ['--maxmemory-policy', 'noeviction']),
    ChainDriver.start({ anvilPath: plan.anvilPath, chainId: CHAIN_ID, epochSlots: EPOCH_SLOTS }),
  ]);
  const services = { disk, postgres, redis, chain, replica: undefined, replication: undefined };
  if (plan.kind !== 'replica') return services;
  const replication = await TcpGate.open([redis.port]);
  const replica = await RedisServer.start(plan.redisServerPath, ['--replicaof', `127.0.0.1 ${String(replication.port)}`]);
  return { ...services, replica, replication };
}

async function prepareChain(chain: ChainDriver, mint: TipMint): Promise<void> {
  for (const tx of await mint.deployments()) chain.queue(tx);
  await chain.mine();
  chain.truth = new LedgerOfTruth(chain.url, CHAIN_ID, mint.address('jar'));
  await chain.mine();
}

function chainSetting({ kind }: HousePlan, nodes: readonly NodeGate[], mint: TipMint): string {
  const urls = (protocol: string): string[] => nodes.map(({ port }) => `${protocol}://127.0.0.1:${String(port)}`);
  const nobody = `0x${'0'.repeat(40)}`;
  return JSON.stringify([
    {
      chainId: CHAIN_ID,
      name: 'proof',
      rpcUrls: urls('http'),
      wsUrls: urls('ws'),
      tipJar: mint.address('jar'),
      startBlock: 0,
      native: { symbol: 'ETH', decimals: 18 },
      pollMs: 300,
      ...(kind === 'three-providers' ? { quorum: { above: [{ token: nobody, amount: '0' }], finalized: true } } : {}),
    },
  ]);
}
