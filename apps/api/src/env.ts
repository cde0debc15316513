import { resolve } from 'node:path';
import * as z from 'zod';
import { brokerEnv } from '@droppio/broker';
import { creatorsEnv } from '@droppio/creators';
import { loadEnv, platformEnv, port } from '@droppio/platform';
import { storageEnv } from '@droppio/storage';
import { webhooksEnv } from '@droppio/webhooks';

export const apiSettings = z.object({
  ...platformEnv,
  HOST: z.string().default('127.0.0.1').meta({ description: 'Address of the public port (0.0.0.0 in a container).' }),
  PORT: port(8080).meta({ description: 'Port of the API.' }),
  API_MAX_CONNECTIONS: z.coerce.number<string>().int().min(10).max(100_000).default(3000).meta({
    description:
      'Connections that this process holds; more are closed at once. Each may hold a body of up to 64 KiB, and up to 2000 wait for events.',
  }),
  INTERNAL_PORT: port(9090).meta({ description: 'Port for /metrics and /health.' }),
  OVERLAY_PAGE_DIR: z
    .string()
    .transform((path) => resolve(path))
    .optional()
    .meta({ description: 'Folder of the built overlay page, to serve it at /overlay/. Unset where another server does.' }),
  ...storageEnv,
  ...brokerEnv,
  ...creatorsEnv,
  ...webhooksEnv,
});
export type ApiSettings = z.output<typeof apiSettings>;

export const apiEnv = (): ApiSettings => loadEnv(apiSettings, process.env);
