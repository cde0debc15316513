import { RedisBrokerModule } from '@droppio/broker';
import { attachOverlaySockets, DeliveryModule, deliverySettings } from '@droppio/delivery';
import type { AppPlan } from '@droppio/platform';
import type { GatewaySettings } from './env.js';

/** Holds overlay sockets and nothing else. Any number of them may run. */
export function gatewayApp(env: GatewaySettings): AppPlan {
  return {
    service: 'gateway',
    settings: env,
    rooms: [RedisBrokerModule.for({ url: env.REDIS_URL, readUrl: env.REDIS_READ_URL }), DeliveryModule.for(deliverySettings(env))],
    http: { host: env.HOST, port: env.PORT, portSetting: 'PORT', configure: attachOverlaySockets },
  };
}
