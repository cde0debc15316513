import { Injectable } from '@nestjs/common';
import { CloseCode } from '@droppio/protocol';
import { Clock } from '@droppio/tips';
import { DeliverySettings } from './delivery-settings.js';
import { SessionMetrics } from './metrics.js';
import type { Credentials, OverlaySession } from './overlay-session.js';
import { Reception } from './reception.js';
import { SessionRoster } from './session-roster.js';
import { TimingWheel } from './timing-wheel.js';

const KNOWN_CODES: ReadonlySet<number> = new Set([1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, ...Object.values(CloseCode)]);

/** What all sessions share: one object, to which each holds one pointer. */
@Injectable()
export class SessionHost {
  constructor(
    readonly settings: DeliverySettings,
    readonly wheel: TimingWheel,
    readonly roster: SessionRoster,
    private readonly reception: Reception,
    readonly metrics: SessionMetrics,
  ) {}

  get clock(): Clock {
    return this.roster.clock;
  }

  admit(session: OverlaySession, credentials: Credentials): void {
    void this.reception.admit(session, credentials);
  }

  left(session: OverlaySession, code: number): void {
    if (!this.roster.leave(session)) return;
    // A client may close with any of 4000 codes; only ours become a label.
    const { transport } = session;
    this.metrics.sockets.closes.inc({ code: KNOWN_CODES.has(code) ? String(code) : 'other', transport });
    this.metrics.sockets.duration.observe({ transport }, (this.clock.now() - session.openedAt) / 1000);
  }
}
