import * as z from 'zod';
import { brokerEnv } from '@droppio/broker';
import { chainEnv } from '@droppio/chain';
import { loadEnv, platformEnv, port } from '@droppio/platform';
import { storageEnv } from '@droppio/storage';

export const listenerSettings = z.object({
  ...platformEnv,
  INTERNAL_PORT: port(9092).meta({ description: 'Port for /metrics and /health.' }),
  ...storageEnv,
  ...brokerEnv,
  ...chainEnv,
  BACKFILL_WORK: z.stringbool().default(true).meta({ description: 'true: also work the jobs of `npm run backfill`, one at a time.' }),
});
export type ListenerSettings = z.output<typeof listenerSettings>;

export const listenerEnv = (): ListenerSettings => loadEnv(listenerSettings, process.env);
