import { RedisBrokerModule } from '@droppio/broker';
import { configureHttp, CreatorsModule, creatorsOptions, httpOptions, serveOverlayPage } from '@droppio/creators';
import type { AppPlan } from '@droppio/platform';
import { RelayModule } from '@droppio/relay';
import { StorageModule, storageOptions } from '@droppio/storage';
import { WebhooksModule, webhookSwitches } from '@droppio/webhooks';
import type { ApiSettings } from './env.js';

/** HTTP for creators. Publishes its own changes; retries and restores are the listener's. Any number of them may run. */
export function apiApp(env: ApiSettings): AppPlan {
  return {
    service: 'api',
    settings: env,
    rooms: [
      StorageModule.for(storageOptions(env.DATABASE_URL, env)),
      RedisBrokerModule.for({ url: env.REDIS_URL }),
      RelayModule.for({ work: false }),
      CreatorsModule.for(creatorsOptions(env)),
      WebhooksModule.for({ ...webhookSwitches(env), keys: env.OVERLAY_TOKEN_KEYS }),
    ],
    http: {
      host: env.HOST,
      port: env.PORT,
      portSetting: 'PORT',
      maxConnections: env.API_MAX_CONNECTIONS,
      configure: (app) => {
        configureHttp(app, httpOptions(env));
        if (env.OVERLAY_PAGE_DIR !== undefined) serveOverlayPage(app, { dir: env.OVERLAY_PAGE_DIR, gatewayUrl: env.PUBLIC_GATEWAY_URL });
      },
    },
  };
}
