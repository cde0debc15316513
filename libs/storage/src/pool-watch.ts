import { Pool } from 'pg';
import type { Provider } from '@nestjs/common';
import { makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import type { DataSource } from 'typeorm';

interface PoolReading {
  readonly used: number;
  readonly idle: number;
  readonly waiting: number;
  readonly limit: number;
}

const SHUT: PoolReading = { used: 0, idle: 0, waiting: 0, limit: 0 };

/** Looks at the connections to Postgres when somebody asks. */
export class PoolWatch {
  private source: DataSource | undefined;

  watch(source: DataSource): void {
    this.source = source;
  }

  read(): PoolReading {
    const { source } = this;
    if (source?.isInitialized !== true || !('master' in source.driver)) return SHUT;
    const pool: unknown = source.driver.master;
    if (!(pool instanceof Pool)) return SHUT;
    const { totalCount, idleCount, waitingCount } = pool;
    return { used: totalCount - idleCount, idle: idleCount, waiting: waitingCount, limit: pool.options.max };
  }

  providers(): readonly Provider[] {
    const read = (): PoolReading => this.read();
    return [
      makeGaugeProvider({
        name: 'droppio_storage_pool_connections',
        help: 'Connections of this process to Postgres, in use and idle.',
        labelNames: ['state'],
        collect() {
          const { used, idle } = read();
          this.set({ state: 'used' }, used);
          this.set({ state: 'idle' }, idle);
        },
      }),
      makeGaugeProvider({
        name: 'droppio_storage_pool_limit',
        help: 'Connections to Postgres that this process may open.',
        collect() {
          this.set(read().limit);
        },
      }),
      makeGaugeProvider({
        name: 'droppio_storage_pool_waiting',
        help: 'Statements that wait for a connection to Postgres.',
        collect() {
          this.set(read().waiting);
        },
      }),
    ];
  }
}
