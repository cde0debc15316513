import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { backoffMs } from '@droppio/tips';
import type { LinkMetrics } from './metrics.js';
import { parseRedisUrl, type RedisNode, type RedisTarget } from './redis-url.js';

export type RedisClient = Redis | Cluster;

/** `commands` fail fast and never wait for Redis to come back; `subscriber` and `worker` wait for ever. */
export type ConnectionRole = 'commands' | 'subscriber' | 'worker';

const COMMAND_TIMEOUT_MS = 1000;
const SUBSCRIBE_TIMEOUT_MS = 5000;

/** Never at once and never in step: a restarted Redis meets its clients spread over two seconds. */
const reconnectDelay = (attempt: number): number => 50 + backoffMs(attempt, { baseMs: 100, capMs: 2000 });

const byRole = {
  // Nothing is queued while Redis is away and nothing is sent twice: the caller hears of the failure and decides.
  commands: {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: COMMAND_TIMEOUT_MS,
  },
  // Resubscribing is the subscriber's business, so that it can tell its listeners when it is done.
  subscriber: {
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: SUBSCRIBE_TIMEOUT_MS,
  },
  // BullMQ insists: its blocking read must outlive any outage.
  worker: { maxRetriesPerRequest: null },
} as const satisfies Record<ConnectionRole, RedisOptions>;

/** Opens connections to one Redis, keeps them coming back, counts and logs their interruptions, and ends them all in the end. */
export class RedisConnections {
  private readonly log = new Logger('broker');
  private readonly open = new Set<RedisClient>();
  readonly target: RedisTarget;

  constructor(
    private readonly url: string,
    private readonly metrics: LinkMetrics,
  ) {
    this.target = parseRedisUrl(url);
  }

  /** To the same Redis, but ended apart. */
  sibling(): RedisConnections {
    return new RedisConnections(this.url, this.metrics);
  }

  connect(role: ConnectionRole): RedisClient {
    const { target } = this;
    return target.kind === 'cluster' ? this.connectToCluster(role, target.nodes) : this.connectToOne(role, target);
  }

  /** One node of a cluster, for subscriptions that live on it. */
  connectToNode(node: RedisNode): Redis {
    return this.keep(new Redis({ ...this.options('subscriber'), ...node }), 'subscriber');
  }

  /** Ends one connection for good, whatever it is waiting for. */
  drop(client: RedisClient): void {
    this.open.delete(client);
    client.disconnect();
  }

  /** Ends them all, whatever they are waiting for. */
  close(): void {
    for (const client of this.open) client.disconnect();
    this.open.clear();
  }

  private connectToOne(
    role: ConnectionRole,
    target: Exclude<RedisTarget, { kind: 'cluster' }>,
    override: Partial<RedisOptions> = {},
  ): Redis {
    const client = this.keep(new Redis({ ...this.options(role, target), ...override }), role);
    // BullMQ blocks on a copy that it makes of its connection: that one must end with ours.
    client.duplicate = (options = {}) => this.connectToOne(role, target, options);
    return client;
  }

  private connectToCluster(role: ConnectionRole, nodes: readonly RedisNode[]): Cluster {
    const client = new Cluster([...nodes], {
      redisOptions: this.options(role),
      enableOfflineQueue: role !== 'commands',
      clusterRetryStrategy: reconnectDelay,
      slotsRefreshInterval: 10_000,
    });
    client.duplicate = () => this.connectToCluster(role, nodes);
    return this.keep(client, role);
  }

  private options(role: ConnectionRole, target?: Exclude<RedisTarget, { kind: 'cluster' }>): RedisOptions {
    const { username, password, tls } = this.target;
    return {
      ...byRole[role],
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(tls ? { tls: {} } : {}),
      ...(target?.kind === 'single' ? { ...target.node, db: target.db } : {}),
      ...(target?.kind === 'sentinel' ? sentinelOptions(target) : {}),
      connectionName: `droppio-${role}`,
      connectTimeout: 3000,
      keepAlive: 10_000,
      retryStrategy: reconnectDelay,
      // A master that was demoted while we were connected to it.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    };
  }

  private keep<T extends RedisClient>(client: T, role: ConnectionRole): T {
    this.open.add(client);
    // Without a listener an 'error' event would end the process; the reconnecting goes on by itself.
    client.on('error', (error: unknown) => {
      this.log.debug('redis.error', { connection: role, ...errorFields(error) });
    });
    let wasReady = false;
    client.on('ready', () => {
      this.log.log(wasReady ? 'redis.reconnected' : 'redis.connected', { connection: role });
      wasReady = true;
    });
    client.on('end', () => {
      // ioredis gives up for good when it is told to disconnect while it connects. BullMQ ends its own on purpose and is watched apart.
      if (this.open.has(client) && role !== 'worker') this.revive(client);
    });
    client.on('close', () => {
      if (!wasReady || !this.open.has(client)) return;
      this.metrics.interrupted(role);
    });
    return client;
  }

  private revive(client: RedisClient): void {
    setTimeout(() => {
      if (this.open.has(client) && client.status === 'end') client.connect().catch(() => undefined);
    }, reconnectDelay(1)).unref();
  }
}

function sentinelOptions(target: Extract<RedisTarget, { kind: 'sentinel' }>): RedisOptions {
  return {
    sentinels: target.sentinels.map(({ host, port }) => ({ host, port })),
    name: target.name,
    db: target.db,
    sentinelRetryStrategy: reconnectDelay,
    ...(target.tls ? { enableTLSForSentinelMode: true } : {}),
  };
}
