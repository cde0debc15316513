import { Global, Module, type DynamicModule, type Provider } from '@nestjs/common';
import { Clock, WebhookDesk } from '@droppio/tips';
import { Attempts } from './attempts.js';
import { Deliverer } from './deliverer.js';
import { FeedEars } from './feed-ears.js';
import { metricProviders } from './metrics.js';
import { DnsResolver, NameResolver } from './name-resolver.js';
import { Planner } from './planner.js';
import { Resealer } from './resealer.js';
import { SecretBox } from './secret-box.js';
import { TargetGuard } from './target-guard.js';
import { WebhookJobs } from './webhook-jobs.js';
import { WebhookOffice } from './webhook-office.js';
import { WebhookSender } from './webhook-sender.js';
import { WEBHOOK_DEFAULTS, WEBHOOK_SETTINGS, type SealingKey, type WebhookSettings } from './webhook-settings.js';
import { WebhookSweep } from './webhook-sweep.js';
import { WebhookWork } from './webhook-work.js';
import { WorkWatch } from './work-watch.js';

/** What tests have instead of the world. Nothing of it is a setting. */
export interface WebhookWorld {
  readonly resolver?: NameResolver;
  readonly isPublic?: (address: string) => boolean;
  readonly ca?: string;
}

export interface WebhooksOptions extends Partial<Omit<WebhookSettings, 'keys'>> {
  /** Also send what is due; else only serve owners. */
  readonly work: boolean;
  readonly keys: readonly SealingKey[];
  readonly world?: WebhookWorld;
}

const WORKERS: readonly Provider[] = [Attempts, Deliverer, FeedEars, Planner, Resealer, WebhookJobs, WebhookSweep, WebhookWork, WorkWatch];

/**
 * Global: provides `WebhookDesk` to the rooms that serve owners, who may not know this room. Needs `WebhookStore`, `WebhookOutbox`,
 * `WebhookQueue` and `TipFeed` from the app.
 */
@Global()
@Module({})
export class WebhooksModule {
  static for({ work, world = {}, ...given }: WebhooksOptions): DynamicModule {
    const settings: WebhookSettings = { ...WEBHOOK_DEFAULTS, ...given };
    const { isPublic, ca, resolver } = world;
    return {
      module: WebhooksModule,
      providers: [
        ...metricProviders,
        { provide: WEBHOOK_SETTINGS, useValue: settings },
        { provide: SecretBox, useValue: new SecretBox(settings.keys) },
        resolver === undefined ? { provide: NameResolver, useClass: DnsResolver } : { provide: NameResolver, useValue: resolver },
        {
          provide: TargetGuard,
          useFactory: (names: NameResolver) => new TargetGuard({ ...settings, ...(isPublic && { isPublic }) }, names),
          inject: [NameResolver],
        },
        {
          provide: WebhookSender,
          useFactory: (guard: TargetGuard, clock: Clock) =>
            new WebhookSender(guard, { attemptMs: settings.attemptMs, ...(ca === undefined ? {} : { ca }) }, clock),
          inject: [TargetGuard, Clock],
        },
        { provide: WebhookDesk, useClass: WebhookOffice },
        ...(work ? WORKERS : []),
      ],
      exports: [WebhookDesk],
    };
  }
}
