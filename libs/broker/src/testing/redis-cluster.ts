import { Redis } from 'ioredis';
import { eventually } from './eventually.js';
import { freePort, RedisServer } from './redis-server.js';

const SLOTS = 16_384;

interface Master {
  readonly server: RedisServer;
  readonly admin: Redis;
  readonly id: string;
}

/** Three real masters with a third of the slots each. */
export class RedisCluster {
  private constructor(readonly masters: readonly Master[]) {}

  static async start(binary: string): Promise<RedisCluster> {
    const masters = await Promise.all(
      Array.from({ length: 3 }, async () => {
        // The default bus port, ten thousand higher, may not exist.
        const bus = await freePort();
        const server = await RedisServer.start(binary, [
          '--cluster-enabled',
          'yes',
          '--cluster-port',
          String(bus),
          '--cluster-node-timeout',
          '1000',
        ]);
        const admin = new Redis(server.url);
        admin.on('error', () => undefined);
        return { server, admin, bus, id: String(await admin.call('CLUSTER', 'MYID')) };
      }),
    );
    const share = Math.ceil(SLOTS / masters.length);
    for (const [i, { admin }] of masters.entries()) {
      await admin.call('CLUSTER', 'ADDSLOTSRANGE', i * share, Math.min((i + 1) * share, SLOTS) - 1);
      // Equal epochs are sorted out by the nodes in time; saying them apart is quicker.
      await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
    }
    const [first, ...others] = masters;
    for (const { server, bus } of others) await first?.admin.call('CLUSTER', 'MEET', '127.0.0.1', server.port, bus);
    await eventually(async () => {
      for (const { admin } of masters) {
        const info = String(await admin.call('CLUSTER', 'INFO'));
        if (!info.includes('cluster_state:ok') || !info.includes('cluster_known_nodes:3')) throw new Error(info);
      }
    }, 20_000);
    return new RedisCluster(masters);
  }

  get url(): string {
    return `redis+cluster://${this.masters.map(({ server }) => `127.0.0.1:${String(server.port)}`).join(',')}`;
  }

  /** The master that has the key's slot now, as the masters themselves tell. */
  async ownerOf(key: string): Promise<Master> {
    const slot = await this.slotOf(key);
    for (const master of this.masters) {
      const ranges = (await master.admin.call('CLUSTER', 'NODES')) as string;
      const [, own = ''] = /^.*myself.* connected ?(.*)$/m.exec(ranges) ?? [];
      const has = own.split(' ').some((range) => {
        const [from = '', to = from] = range.split('-');
        return from !== '' && Number(from) <= slot && slot <= Number(to);
      });
      if (has) return master;
    }
    throw new Error('nobody has this slot');
  }

  async slotOf(key: string): Promise<number> {
    return Number(await this.masters[0]?.admin.call('CLUSTER', 'KEYSLOT', key));
  }

  /**
   * Moves the key's slot with everything in it to another master, as an operator does, while it is in use. `between` is what happens when
   * the keys are there and the slot is still here.
   */
  async migrate(key: string, between?: () => Promise<void>): Promise<{ from: Master; to: Master; keys: number }> {
    const [slot, from] = [await this.slotOf(key), await this.ownerOf(key)];
    const to = this.masters[(this.masters.indexOf(from) + 1) % this.masters.length];
    if (to === undefined) throw new Error('no other master');
    await to.admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
    await from.admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
    let moved = 0;
    for (;;) {
      const keys = (await from.admin.call('CLUSTER', 'GETKEYSINSLOT', slot, 100)) as string[];
      if (keys.length === 0) break;
      await from.admin.call('MIGRATE', '127.0.0.1', to.server.port, '', 0, 5000, 'KEYS', ...keys);
      moved += keys.length;
    }
    await between?.();
    for (const { admin } of [to, from, ...this.masters]) await admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
    return { from, to, keys: moved };
  }

  async stop(): Promise<void> {
    for (const { admin } of this.masters) admin.disconnect();
    await Promise.all(this.masters.map(({ server }) => server.stop()));
  }
}
