import * as z from 'zod';
import { brokerEnv, feedReplicaEnv } from '@droppio/broker';
import { deliveryEnv } from '@droppio/delivery';
import { loadEnv, platformEnv, port } from '@droppio/platform';

/** No database: the sockets of strangers end here. */
export const gatewaySettings = z.object({
  ...platformEnv,
  HOST: z.string().default('127.0.0.1').meta({ description: 'Address of the public port (0.0.0.0 in a container).' }),
  PORT: port(8081).meta({ description: 'Port for overlay sockets.' }),
  INTERNAL_PORT: port(9091).meta({ description: 'Port for /metrics and /health.' }),
  ...brokerEnv,
  ...feedReplicaEnv,
  ...deliveryEnv,
});
export type GatewaySettings = z.output<typeof gatewaySettings>;

export const gatewayEnv = (): GatewaySettings => loadEnv(gatewaySettings, process.env);
