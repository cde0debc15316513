import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { InjectMetric, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import { errorFields } from '@droppio/platform';
import type { Gauge } from 'prom-client';
import { fullest } from './redis-load.js';
import { RedisTipFeed } from './redis-tip-feed.js';

const EVERY_MS = 15_000;
const P = 'droppio_broker_redis_';

@Injectable()
export class RedisLoadMetrics {
  constructor(
    @InjectMetric(`${P}memory_bytes`) readonly memory: Gauge,
    @InjectMetric(`${P}memory_limit_bytes`) readonly memoryLimit: Gauge,
    @InjectMetric(`${P}clients`) readonly clients: Gauge,
    @InjectMetric(`${P}clients_limit`) readonly clientsLimit: Gauge,
  ) {}
}

/** Asks Redis now and then how full it is. Whoever has no exporter beside it learns in time that it is. */
@Injectable()
export class RedisWatch implements OnModuleInit, OnApplicationShutdown {
  private readonly log = new Logger('broker');
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly feed: RedisTipFeed,
    private readonly metrics: RedisLoadMetrics,
  ) {}

  onModuleInit(): void {
    void this.look();
    this.timer = setInterval(() => void this.look(), EVERY_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    try {
      const load = fullest(await this.feed.loads());
      if (load === undefined) return;
      this.metrics.memory.set(load.memoryBytes);
      this.metrics.memoryLimit.set(load.memoryLimitBytes);
      this.metrics.clients.set(load.clients);
      this.metrics.clientsLimit.set(load.clientsLimit);
    } catch (error) {
      // It is away, which others say aloud, or INFO is forbidden here.
      this.log.debug('redis.load-unknown', errorFields(error));
    }
  }
}

export const redisWatchProviders = [
  makeGaugeProvider({ name: `${P}memory_bytes`, help: 'Memory that Redis uses; in a cluster, of the node that is nearest to its limit.' }),
  makeGaugeProvider({ name: `${P}memory_limit_bytes`, help: 'Memory that this Redis may use (maxmemory); 0 without a limit.' }),
  makeGaugeProvider({ name: `${P}clients`, help: 'Connections to this Redis, from everybody.' }),
  makeGaugeProvider({ name: `${P}clients_limit`, help: 'Connections that this Redis takes (maxclients); 0 where it does not say.' }),
  RedisLoadMetrics,
  RedisWatch,
];
