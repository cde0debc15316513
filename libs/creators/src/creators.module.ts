import { Module, type DynamicModule } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { OverlayTokens } from '@droppio/protocol/overlay-token';
import { AccessGuard } from './access/access.guard.js';
import { AuditController } from './account/audit.controller.js';
import { AuditInterceptor } from './account/audit.interceptor.js';
import { AuditNotes } from './account/audit-notes.js';
import { AuditedAccessGuard } from './account/audited-access.guard.js';
import { CreatorsController } from './profile/creators.controller.js';
import { CreatorsOptions } from './creators-options.js';
import { Credentials } from './access/credentials.js';
import { HttpMetrics } from './edge/http-metrics.js';
import { metrics } from './metrics.js';
import { OverlayConfigController } from './overlays/overlay-config.controller.js';
import { AlertsController } from './moderation/alerts.controller.js';
import { ModerationController } from './moderation/moderation.controller.js';
import { ModerationService } from './moderation/moderation.service.js';
import { QueueController } from './moderation/queue.controller.js';
import { OverlayHealthController } from './overlays/overlay-health.controller.js';
import { OverlayLinks } from './overlays/overlay-links.js';
import { OverlaysController } from './overlays/overlays.controller.js';
import { OverlaysService } from './overlays/overlays.service.js';
import { RequestPipe } from './edge/request.pipe.js';
import { Sessions } from './access/sessions.js';
import { SignInController } from './access/sign-in.controller.js';
import { SignInNonces } from './access/sign-in-nonces.js';
import { TokensController } from './access/tokens.controller.js';
import { TokensService } from './access/tokens.service.js';
import { TipsController } from './tips/tips.controller.js';
import { WalletsController } from './profile/wallets.controller.js';
import { WalletProof } from './access/wallet-proof.js';
import { ContractWallets } from './access/wallet-signatures.js';
import { DeliveriesController } from './webhooks/deliveries.controller.js';
import { WebhooksController } from './webhooks/webhooks.controller.js';

/**
 * HTTP → config. Needs `CreatorDirectory`, `AccessTokens`, `SignInStore`, `TipLedger`, `WebhookStore`,
 * `WebhookDesk` and `EventRelay` from the app, and `configureHttp` before it listens.
 */
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
        AuditController,
        WalletsController,
        OverlayConfigController,
        ModerationController,
        AlertsController,
        QueueController,
        WebhooksController,
        DeliveriesController,
        OverlayHealthController,
      ],
      providers: [
        { provide: CreatorsOptions, useValue: options },
        { provide: OverlayTokens, useValue: new OverlayTokens(options.tokenKeys) },
        { provide: SignInNonces, useValue: new SignInNonces(options.tokenKeys) },
        { provide: ContractWallets, useValue: new ContractWallets(options.signIn.nodes) },
        WalletProof,
        Sessions,
        Credentials,
        TokensService,
        OverlayLinks,
        OverlaysService,
        ModerationService,
        HttpMetrics,
        ...metrics,
        AccessGuard,
        AuditNotes,
        { provide: APP_GUARD, useClass: AuditedAccessGuard },
        { provide: APP_INTERCEPTOR, useClass: AuditInterceptor },
        { provide: APP_PIPE, useClass: RequestPipe },
      ],
    };
  }
}
