import { resolve } from 'node:path';
import * as z from 'zod';
import { optionalBrokerEnv } from '@droppio/broker';
import { chainEnv } from '@droppio/chain';
import { creatorsEnv } from '@droppio/creators';
import { singleProcessDeliveryEnv } from '@droppio/delivery';
import { loadEnv, platformEnv, port } from '@droppio/platform';
import { feedEnv, optionalStorageEnv } from '@droppio/storage';
import { webhooksEnv } from '@droppio/webhooks';

const dataDir = {
  DATA_DIR: z
    .string()
    .default('.droppio')
    .transform((path) => resolve(path))
    .meta({ description: 'Folder for what this installation keeps: secrets, the dev chain, the embedded database.' }),
};

/** Every setting has a preset: without any, everything runs on this machine alone. */
export const standaloneSettings = z.object({
  ...platformEnv,
  ...dataDir,
  LOG_LEVEL: platformEnv.LOG_LEVEL.unwrap().default('warn').meta({ description: 'Least level that is logged.' }),
  HOST: z.string().default('127.0.0.1').meta({ description: 'Address of the public port.' }),
  PORT: port(8080).meta({ description: 'Port for the API, the overlay page and overlay sockets. 0 takes a free one.' }),
  INTERNAL_PORT: port(9090).meta({ description: 'Port for /metrics and /health. 0 takes a free one.' }),
  ...optionalStorageEnv,
  ...feedEnv,
  ...optionalBrokerEnv,
  ...chainEnv,
  CHAINS: chainEnv.CHAINS.optional().meta({
    description: 'Chains to follow, as JSON: docs/CHAINS.md lists the fields. Standalone starts a local dev chain without it.',
  }),
  DEV_CHAIN_PORT: port(8545).meta({ description: 'Port of the local dev chain. 0 takes a free one.' }),
  OVERLAY_PAGE_DIR: z
    .string()
    .optional()
    .meta({ description: 'Folder of the built overlay page, when it is not where the build leaves it.' }),
  ANVIL_PATH: z.string().optional().meta({ description: 'The anvil program, when it is not where npm or PATH have it.' }),
  ...singleProcessDeliveryEnv,
  ...creatorsEnv,
  ...webhooksEnv,
  OVERLAY_TOKEN_KEYS: creatorsEnv.OVERLAY_TOKEN_KEYS.optional().meta({
    description: 'Keys of overlay URLs; without it they are made and kept in DATA_DIR.',
  }),
  PUBLIC_PAGE_URL: creatorsEnv.PUBLIC_PAGE_URL.optional().meta({
    description: 'Where viewers of the overlay page find it, when a proxy stands before it.',
  }),
  PUBLIC_GATEWAY_URL: creatorsEnv.PUBLIC_GATEWAY_URL.optional().meta({
    description: 'Where overlays open their WebSocket, when a proxy stands before it.',
  }),
});
export type StandaloneSettings = z.output<typeof standaloneSettings>;

export const standaloneEnv = (): StandaloneSettings => loadEnv(standaloneSettings, process.env);

export const tipEnv = (): { DATA_DIR: string } => loadEnv(z.object(dataDir), process.env);
