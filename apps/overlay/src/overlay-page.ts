import {
  claimVoice,
  gatewayLadder,
  OverlayConnection,
  RemoteControl,
  RestWhileHidden,
  TipInbox,
  type Alert,
  type CursorStore,
} from '@droppio/client';
import { wornConfig, type EventFrame, type WornConfig } from '@droppio/protocol';
import type { Clock } from '@droppio/tips';
import { AlertPlayer } from './alert-player.js';
import { Chime } from './chime.js';
import type { LinkSign } from './link-sign.js';
import type { PageSettings } from './settings.js';
import type { Stage } from './stage.js';
import { lookOf, policyOf } from './tier.js';

export interface PageParts {
  readonly settings: PageSettings;
  readonly store: CursorStore;
  /** Name or number of this page among those of its overlay. */
  readonly instance: string | number;
  readonly stage: Stage;
  readonly sign: LinkSign;
  readonly clock: Clock;
  readonly inObs: boolean;
  readonly clientName: string;
}

/** One overlay's page at work: frames become alerts, commands and looks. */
export class OverlayPage {
  private readonly inbox: TipInbox;
  private readonly player: AlertPlayer;
  private readonly chime: Chime;
  private readonly control: RemoteControl;
  private readonly connection: OverlayConnection;
  private readonly rest: RestWhileHidden;
  private config: WornConfig = wornConfig({});

  constructor(private readonly parts: PageParts) {
    const { settings, store, clock, stage } = parts;
    this.inbox = new TipInbox(
      store,
      {
        waiting: () => {
          this.player.wake();
        },
        patched: (alert) => {
          this.player.patch(alert);
        },
      },
      { clock, isPriority: (alert) => policyOf(this.config, alert) === 'jump' },
    );
    this.player = new AlertPlayer({
      inbox: this.inbox,
      clock,
      look: (alert) => lookOf(this.config, alert),
      draw: (alert, look) => stage.draw(alert, look),
      shown: (alert, { sound }) => {
        this.chime.ring(sound?.volume ?? 0);
        this.report(alert);
      },
    });
    this.chime = this.makeChime();
    this.control = this.makeControl();
    const transport = gatewayLadder(settings.gatewayUrl, { clock });
    this.connection = new OverlayConnection(
      { transport, token: settings.token, cursor: this.inbox.cursor, client: parts.clientName, clock },
      {
        ready: (frame, position) => {
          this.wear(wornConfig(frame.config));
          this.inbox.resume(frame, position);
        },
        event: (frame, position) => {
          this.hear(frame);
          this.inbox.receive(frame, position);
        },
        gap: (_gap, position) => {
          this.inbox.advance(position);
        },
        state: (state) => {
          parts.sign.show(state);
          if (state.kind !== 'open') this.inbox.interrupt();
        },
      },
    );
    this.rest = new RestWhileHidden(this.connection, clock);
  }

  /** OBS shows the source, or no longer does. */
  seen(isSeen: boolean): void {
    this.rest.show(isSeen);
  }

  start(): void {
    this.control.restore();
    this.connection.start();
    addEventListener('online', () => {
      this.connection.hurry();
    });
  }

  private hear(frame: EventFrame): void {
    if (frame.type === 'config') this.wear(wornConfig(frame.d.config));
    if (frame.type === 'control') this.control.obey(frame);
  }

  private wear(config: WornConfig): void {
    this.config = config;
    this.parts.stage.wear(config);
    this.parts.sign.allowDot(config.linkDot);
    this.control.configure(config);
    const restAfterSec = this.parts.settings.restAfterSec ?? config.restAfterSec;
    this.rest.configure(restAfterSec === null ? undefined : restAfterSec * 1000);
  }

  private report(alert: Alert): void {
    if (alert.kind !== 'tip' || alert.blockMs === undefined || alert.replay) return;
    this.connection.shown(alert.seq, this.parts.clock.now() - alert.blockMs);
  }

  private makeChime(): Chime {
    const { settings, instance, inObs } = this.parts;
    return new Chime({
      isMine: claimVoice(settings.token, instance, 'locks' in navigator ? navigator.locks : undefined),
      mayStart: () => inObs || navigator.userActivation.hasBeenActive,
    });
  }

  private makeControl(): RemoteControl {
    return new RemoteControl(this.parts.store, {
      skip: () => {
        this.player.skip();
      },
      clear: () => {
        this.inbox.clear();
      },
      pause: (paused) => {
        this.inbox.hold(paused);
      },
      mute: (muted) => {
        this.chime.mute(muted);
      },
    });
  }
}
