import type { VitalsRow } from '../checker/history.js';
import type { Member } from '../house/member.js';
import type { ProofHouse } from '../house/proof-house.js';

/** A pool of ten (`DATABASE_POOL_SIZE`), and the connection that holds the lock of a leader. */
const POSTGRES_MOST = 11;
/** Opened when first needed, and then for ever: a listener has nine (commands, signals, queues and their workers), a gateway six. */
const REDIS_MOST = 10;
/** Once the provider has hung up what was idle: the subscription, and the questions of this moment. */
const A_NODE_MOST = 8;
/** What is no connection to a service: modules, timers, and lines of those who ask for metrics and sums. */
const OTHERS_MORE = 16;
/** What an engine may keep after half an hour of work. */
const MEBIBYTES_MORE = 250;

interface Sign {
  readonly postgres: number;
  readonly redis: number;
  /** To the provider with the most. */
  readonly aNode: number;
  readonly others: number;
  readonly memory: number;
  readonly sockets: string;
}
export type Vitals = ReadonlyMap<string, Sign>;

export function vitalsOf(house: ProofHouse): Vitals {
  return new Map(house.members.filter(({ isUp }) => isUp).map((member) => [member.name, signOf(member, house)]));
}

function signOf(member: Member, { gates, nodes }: ProofHouse): Sign {
  const sockets = member.sockets();
  const to = (port: number): number => sockets.get(port) ?? 0;
  const [postgres, redis] = [to(gates.postgres.port), to(gates.redis.port)];
  const lines = nodes.map(({ port }) => to(port));
  const others = member.files() - postgres - redis - lines.reduce((sum, count) => sum + count, 0);
  const told = [...sockets].map(([port, count]) => `${String(port)} × ${String(count)}`).join(', ');
  return { postgres, redis, aNode: Math.max(0, ...lines), others, memory: member.memory(), sockets: told };
}

/** Once all overlays have left: whatever a process has more than it may. */
export async function compareVitals(house: ProofHouse, before: Vitals): Promise<VitalsRow[]> {
  const now = vitalsOf(house);
  const rows = house.members.flatMap(({ name: process }): VitalsRow[] => {
    const [then, after] = [before.get(process), now.get(process)];
    if (then === undefined || after === undefined)
      return [{ process, what: 'life', before: 0, after: Infinity, allowed: 0, detail: '(it is gone)' }];
    const grown = (what: 'others' | 'memory', allowed: number): VitalsRow => {
      const detail = what === 'memory' ? 'MiB' : `(${after.sockets})`;
      return { process, what, before: then[what], after: after[what], allowed, detail };
    };
    const most = (what: 'postgres' | 'redis' | 'aNode', allowed: number): VitalsRow => {
      return { process, what: `lines to ${what}`, before: 0, after: after[what], allowed, detail: `(${after.sockets})` };
    };
    return [
      most('postgres', POSTGRES_MOST),
      most('redis', REDIS_MOST),
      most('aNode', A_NODE_MOST),
      grown('others', OTHERS_MORE),
      grown('memory', MEBIBYTES_MORE),
    ];
  });
  for (const gateway of house.gateways)
    rows.push({ process: gateway.name, what: 'sockets', before: 0, after: await gateway.metric('droppio_gateway_sockets'), allowed: 0 });
  return rows;
}
