import { Global, Module, type DynamicModule } from '@nestjs/common';
import { EventRelay } from '@droppio/tips';
import { CreatorRelay } from './creator-relay.js';
import { metricProviders } from './metrics.js';
import { Outbox } from './outbox.js';
import { OutboxSweep } from './outbox-sweep.js';
import { RELAY_DEFAULTS, RELAY_SETTINGS, type RelaySettings } from './relay-settings.js';
import { RelayWork } from './relay-work.js';
import { ScreeningSweep } from './screening-sweep.js';

export interface RelayOptions extends Partial<RelaySettings> {
  /** Also work the queue's jobs and sweep the outbox (the listener); else only publish what this process commits (the API). */
  readonly work: boolean;
}

/** Provides `EventRelay` to the rooms that commit events. Global: they may not know this room. Needs a ledger, a feed and a queue; to work, a presence. */
@Global()
@Module({})
export class RelayModule {
  static for({ work, ...settings }: RelayOptions): DynamicModule {
    return {
      module: RelayModule,
      providers: [
        ...metricProviders,
        { provide: RELAY_SETTINGS, useValue: { ...RELAY_DEFAULTS, ...settings } satisfies RelaySettings },
        CreatorRelay,
        { provide: EventRelay, useExisting: CreatorRelay },
        ...(work ? [Outbox, OutboxSweep, RelayWork, ScreeningSweep] : []),
      ],
      exports: [EventRelay],
    };
  }
}
