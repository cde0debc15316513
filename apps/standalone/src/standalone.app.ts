import { ChainModule, type ChainSettings } from '@droppio/chain';
import { configureHttp, CreatorsModule, creatorsOptions, httpOptions, serveOverlayPage } from '@droppio/creators';
import { attachOverlaySockets, DeliveryModule, deliverySettings } from '@droppio/delivery';
import type { AppPlan } from '@droppio/platform';
import type { TokenKey } from '@droppio/protocol/overlay-token';
import { RelayModule } from '@droppio/relay';
import { StorageModule, storageOptions } from '@droppio/storage';
import { WebhooksModule, webhookSwitches } from '@droppio/webhooks';
import { brokerRooms, type Broker } from './broker.js';
import type { StandaloneSettings } from './env.js';

/** The settings with everything that was left open filled in. */
export interface FurnishedSettings {
  readonly env: StandaloneSettings;
  readonly port: number;
  readonly databaseUrl: string;
  readonly broker: Broker;
  readonly chains: readonly ChainSettings[];
  readonly tokenKeys: readonly TokenKey[];
  readonly adminToken: string;
  readonly pageUrl: string;
  readonly gatewayUrl: string;
  readonly pageDir: string;
}

/** All rooms in one process and behind one port: API, overlay page, overlay sockets. The same modules as in the three apps. */
export function standaloneApp(settings: FurnishedSettings): AppPlan {
  const { env } = settings;
  const shared = {
    ...env,
    OVERLAY_TOKEN_KEYS: settings.tokenKeys,
    ADMIN_TOKEN: settings.adminToken,
    PUBLIC_PAGE_URL: settings.pageUrl,
    PUBLIC_GATEWAY_URL: settings.gatewayUrl,
  };
  return {
    service: 'standalone',
    settings: env,
    rooms: [
      StorageModule.for(storageOptions(settings.databaseUrl, env)),
      ...brokerRooms(settings.broker, settings.databaseUrl, env),
      RelayModule.for({ work: true }),
      ChainModule.for(settings.chains),
      CreatorsModule.for(creatorsOptions(shared)),
      WebhooksModule.for({ ...webhookSwitches(env), keys: settings.tokenKeys }),
      DeliveryModule.for(deliverySettings(shared)),
    ],
    http: {
      host: env.HOST,
      port: settings.port,
      portSetting: 'PORT',
      configure: (app) => {
        attachOverlaySockets(app);
        configureHttp(app, httpOptions(shared));
        serveOverlayPage(app, { dir: settings.pageDir, gatewayUrl: settings.gatewayUrl });
      },
    },
  };
}
