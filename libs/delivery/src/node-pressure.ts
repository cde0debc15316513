import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { memoryRatio } from '@droppio/platform';
import { CloseCode } from '@droppio/protocol';
import { DeliverySettings } from './delivery-settings.js';
import { FanOutMetrics } from './metrics.js';
import type { OverlaySession } from './overlay-session.js';
import { SessionRoster } from './session-roster.js';

const LOOK_MS = 500;
/** Above this share nothing is gained by waiting for the slow ones. */
const SHED_PERCENT = 92;
const SHED_AT_ONCE = 100;
/** Relief has to be felt before newcomers are let in again, or the door would flutter. */
const RELIEF = 0.95;

/** Share of its memory that the process uses: of the heap's limit, or of the container's, whichever is worse. */
@Injectable()
export class MemoryReading {
  percent(): number {
    return 100 * memoryRatio();
  }
}

/**
 * What sockets have not taken yet is memory, and it has one owner: this process. Under pressure newcomers are refused first; then the
 * sockets that owe the most are closed, able to resume.
 */
@Injectable()
export class NodePressure implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('delivery');
  private timer: NodeJS.Timeout | undefined;
  private high = false;

  constructor(
    private readonly settings: DeliverySettings,
    private readonly roster: SessionRoster,
    private readonly memory: MemoryReading,
    private readonly metrics: FanOutMetrics,
  ) {}

  get isHigh(): boolean {
    return this.high;
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.look();
    }, LOOK_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  look(): void {
    const { nodeBufferBytes, memoryPercent } = this.settings;
    let owed = 0;
    for (const session of this.roster.all()) owed += session.queuedBytes;
    this.metrics.buffered.set(owed);
    const percent = this.memory.percent();
    this.change(Math.max(owed / nodeBufferBytes, percent / memoryPercent), { owed, percent: Math.round(percent) });
    if (owed > nodeBufferBytes) this.shed(owed - nodeBufferBytes * RELIEF, Infinity);
    else if (percent > SHED_PERCENT) this.shed(Infinity, SHED_AT_ONCE);
  }

  private change(load: number, facts: { owed: number; percent: number }): void {
    const isHigh = load > (this.high ? RELIEF : 1);
    if (isHigh === this.high) return;
    this.high = isHigh;
    if (isHigh) this.log.error('pressure.high', facts);
    else this.log.warn('pressure.over', facts);
  }

  private shed(bytes: number, most: number): void {
    const slowest = [...this.roster.all()].filter((session) => session.queuedBytes > 0).sort((a, b) => b.queuedBytes - a.queuedBytes);
    let freed = 0;
    const shed: OverlaySession[] = [];
    for (const session of slowest) {
      if (freed >= bytes || shed.length >= most) break;
      freed += session.queuedBytes;
      shed.push(session);
    }
    for (const session of shed) session.shed();
    if (shed.length > 0) this.log.warn('pressure.shed', { sockets: shed.length, freed, code: CloseCode.slowConsumer });
  }
}
