import * as z from 'zod';
import type { Cluster } from './shapes.js';

const Surge = z.object({
  strategy: z.object({ rollingUpdate: z.object({ maxSurge: z.union([z.int(), z.string().regex(/^\d+%$/)]) }) }),
});

export interface PodCounts {
  readonly least: number;
  readonly most: number;
  /** With the new ones beside the old ones. */
  readonly mostInRollout: number;
}

/** Pods of a Deployment: whoever scales it decides, else the file itself. */
export function podCounts(cluster: Cluster, name: string): PodCounts {
  const { spec } = cluster.deployment(name);
  const scaler = [...cluster.scalers, ...cluster.cpuScalers].find(({ deployment }) => deployment === name);
  const { replicas = 1 } = spec;
  const { min: least, max: most } = scaler ?? { min: replicas, max: replicas };
  const { maxSurge } = Surge.parse(spec).strategy.rollingUpdate;
  const surge = typeof maxSurge === 'number' ? maxSurge : Math.ceil((most * Number.parseInt(maxSurge, 10)) / 100);
  return { least, most, mostInRollout: most + surge };
}
