import { Module, type DynamicModule } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { OverlayTokens } from '@droppio/protocol/overlay-token';
import { accountControllers, accountProviders } from './account/account.parts.js';
import { CallerGuard } from './access/caller.guard.js';
import { CreatorsController } from './profile/creators.controller.js';
import { CreatorsOptions } from './creators-options.js';
import { Credentials } from './access/credentials.js';
import { eventControllers, eventProviders } from './events/events.parts.js';
import { IdempotencyInterceptor } from './edge/idempotency/idempotency.interceptor.js';
import { rateProviders } from './edge/rates/rate.parts.js';
import { HttpMetrics } from './edge/http-metrics.js';
import { metrics } from './metrics.js';
import { assetControllers, assetProviders } from './assets/assets.parts.js';
import { RawBodyInterceptor } from './edge/raw-body.js';
import { OverlayConfigController } from './overlays/overlay-config.controller.js';
import { AlertsController } from './moderation/alerts.controller.js';
import { ModerationController } from './moderation/moderation.controller.js';
import { ModerationService } from './moderation/moderation.service.js';
import { QueueController } from './moderation/queue.controller.js';
import { OverlayHealthController } from './overlays/overlay-health.controller.js';
import { OverlayLinks } from './overlays/overlay-links.js';
import { OverlaysController } from './overlays/overlays.controller.js';
import { OverlaysService } from './overlays/overlays.service.js';
import { Refusals } from './access/refusals.js';
import { RequestPipe } from './edge/request.pipe.js';
import { Sessions } from './access/sessions.js';
import { SignInController } from './access/sign-in.controller.js';
import { SignInNonces } from './access/sign-in-nonces.js';
import { TokensController } from './access/tokens.controller.js';
import { TokensService } from './access/tokens.service.js';
import { StatsController } from './stats/stats.controller.js';
import { TipExportController } from './tips/tip-export.controller.js';
import { TipExports } from './tips/tip-exports.js';
import { TipsController } from './tips/tips.controller.js';
import { WalletsController } from './profile/wallets.controller.js';
import { WalletProof } from './access/wallet-proof.js';
import { ContractWallets } from './access/wallet-signatures.js';
import { DeliveriesController } from './webhooks/deliveries.controller.js';
import { WebhooksController } from './webhooks/webhooks.controller.js';
import { widgetControllers, widgetProviders } from './widgets/widget.parts.js';

/** HTTP → config. Needs the ports of storage and broker, `WebhookDesk` and `EventRelay` from the app, and `configureHttp` before it listens. */
@Module({})
export class CreatorsModule {
  static for(options: CreatorsOptions): DynamicModule {
    return {
      module: CreatorsModule,
      controllers: [
        SignInController,
        TokensController,
        CreatorsController,
        OverlaysController,
        TipsController,
        WalletsController,
        OverlayConfigController,
        ModerationController,
        AlertsController,
        QueueController,
        WebhooksController,
        DeliveriesController,
        OverlayHealthController,
        ...accountControllers,
        ...eventControllers,
        ...widgetControllers,
        ...assetControllers,
        TipExportController,
        StatsController,
      ],
      providers: [
        { provide: CreatorsOptions, useValue: options },
        { provide: OverlayTokens, useValue: new OverlayTokens(options.tokenKeys) },
        { provide: SignInNonces, useValue: new SignInNonces(options.tokenKeys) },
        { provide: ContractWallets, useValue: new ContractWallets(options.signIn.nodes) },
        WalletProof,
        Sessions,
        Credentials,
        Refusals,
        TokensService,
        OverlayLinks,
        OverlaysService,
        ModerationService,
        TipExports,
        HttpMetrics,
        ...metrics,
        { provide: APP_INTERCEPTOR, useClass: RawBodyInterceptor },
        // Around all others that do something: what is repeated is not done, nor written down, again.
        { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
        // Guards stand in this order: who asks, how often, and whether they may.
        { provide: APP_GUARD, useClass: CallerGuard },
        ...rateProviders(options),
        ...accountProviders,
        ...eventProviders,
        ...widgetProviders,
        ...assetProviders,
        { provide: APP_PIPE, useClass: RequestPipe },
      ],
    };
  }
}
