import { Module, type DynamicModule, type INestApplication } from '@nestjs/common';
import { OverlayTokens } from '@droppio/protocol/overlay-token';
import { ChannelRegistry } from './channel-registry.js';
import { DeliverySettings } from './delivery-settings.js';
import { Drain, DrainDoors } from './drain.js';
import { FeedAccess } from './feed-access.js';
import { FeedProbe } from './feed-probe.js';
import { FlushPacer } from './flush-pacer.js';
import { HttpDoor } from './http-door.js';
import { metricProviders } from './metrics.js';
import { NodeGauges } from './node-gauges.js';
import { NodeLoad } from './node-load.js';
import { nodeMetricProviders } from './node-metrics.js';
import { NodeStats, StatsDesk } from './node-stats.js';
import { MemoryReading, NodePressure } from './node-pressure.js';
import { OverlayGateway } from './overlay.gateway.js';
import { OverlayWsAdapter } from './overlay-ws.adapter.js';
import { PresenceBeat } from './presence-beat.js';
import { Reception } from './reception.js';
import { RefusalLog } from './refusal-log.js';
import { SessionHost } from './session-host.js';
import { SessionRoster } from './session-roster.js';
import { TimingWheel } from './timing-wheel.js';
import { UpgradeGate } from './upgrade-gate.js';
import { VitalsBeat } from './vitals-beat.js';

const TICK_MS = 250;

/** Feed → socket. Needs a `TipFeed`, a `RelayQueue`, a `Presence` and `OverlayVitals` from a broker module, and `attachOverlaySockets(app)` before the app starts. */
@Module({})
export class DeliveryModule {
  static for(settings: DeliverySettings): DynamicModule {
    return {
      module: DeliveryModule,
      providers: [
        { provide: DeliverySettings, useValue: settings },
        { provide: OverlayTokens, useValue: new OverlayTokens(settings.tokenKeys) },
        { provide: TimingWheel, useFactory: () => new TimingWheel(TICK_MS) },
        ...metricProviders,
        ...nodeMetricProviders,
        ...[FeedAccess, ChannelRegistry, SessionRoster, RefusalLog, Reception, SessionHost],
        ...[
          FlushPacer,
          MemoryReading,
          NodePressure,
          UpgradeGate,
          HttpDoor,
          DrainDoors,
          Drain,
          OverlayGateway,
          FeedProbe,
          NodeLoad,
          NodeGauges,
        ],
        ...[PresenceBeat, VitalsBeat, StatsDesk, NodeStats],
      ],
    };
  }
}

/**
 * WebSockets at `/overlay` on the app's own HTTP server, streams and polls below it; everything else on that port stays with the app's routes.
 * Call it before whatever else the app puts before its routes: that is not meant for answers that take their time.
 */
export function attachOverlaySockets(app: INestApplication): void {
  app.useWebSocketAdapter(new OverlayWsAdapter(app));
  app.get(HttpDoor).attach(app);
}
