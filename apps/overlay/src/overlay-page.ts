import {
  gatewayLadder,
  OverlayConnection,
  RemoteControl,
  Renewal,
  RestWhileHidden,
  TipInbox,
  type Alert,
  type CursorStore,
  type TextStorage,
  type TipAlert,
} from '@droppio/client';
import { wornConfig, type EventFrame, type WornConfig } from '@droppio/protocol';
import type { Clock } from '@droppio/tips';
import { AlertPlayer } from './alert-player.js';
import type { LinkSign } from './link-sign.js';
import { PageAir } from './page-air.js';
import { PageVoice } from './page-voice.js';
import type { PageSettings } from './settings.js';
import type { Stage } from './stage.js';
import { newestVersion, versionOf } from './surroundings.js';
import { lookOf, tierOf } from './tier.js';
import type { OverlayWidgets } from './widgets/overlay-widgets.js';

export interface PageParts {
  readonly settings: PageSettings;
  readonly store: CursorStore;
  /** Name or number of this page among those of its overlay. */
  readonly instance: string | number;
  /** Ids of alerts that other pages of this overlay have begun to show. */
  readonly shownElsewhere: () => readonly string[];
  /** Lives as long as the tab, over reloads. */
  readonly tab: TextStorage | undefined;
  readonly stage: Stage;
  readonly widgets: OverlayWidgets;
  readonly sign: LinkSign;
  readonly clock: Clock;
  readonly inObs: boolean;
  readonly clientName: string;
}

/** One overlay's page at work: frames become alerts, commands and looks. */
export class OverlayPage {
  private readonly inbox: TipInbox;
  private readonly player: AlertPlayer;
  private readonly air: PageAir;
  private readonly voice: PageVoice;
  private readonly control: RemoteControl;
  private readonly connection: OverlayConnection;
  private readonly rest: RestWhileHidden;
  private readonly renewal: Renewal;
  private awaySince: number | undefined;
  private config: WornConfig = wornConfig({});

  constructor(private readonly parts: PageParts) {
    const { settings, clock, widgets, instance } = parts;
    this.awaySince = clock.now();
    this.inbox = this.makeInbox();
    this.air = new PageAir(settings, instance, clock, this.inbox);
    this.player = this.makePlayer();
    this.voice = this.makeVoice();
    this.control = this.makeControl();
    this.renewal = this.makeRenewal();
    const transport = gatewayLadder(settings.gatewayUrl, { clock });
    this.connection = new OverlayConnection(
      { transport, token: settings.token, cursor: this.inbox.cursor, client: parts.clientName, clock },
      {
        ready: (frame, position) => {
          this.wear(wornConfig(frame.config));
          widgets.ready(frame, position);
          this.inbox.resume(frame, position);
        },
        event: (frame, position) => {
          this.hear(frame);
          widgets.hear(frame, position);
          if (widgets.isShown) this.inbox.advance(position);
          else this.inbox.receive(frame, position);
        },
        gap: (_gap, position) => {
          widgets.gap(position);
          this.inbox.advance(position);
        },
        state: (state) => {
          parts.sign.show(state);
          this.awaySince = state.kind === 'connecting' ? (this.awaySince ?? clock.now()) : undefined;
          if (state.kind !== 'open') this.inbox.interrupt();
        },
      },
    );
    this.rest = new RestWhileHidden(this.connection, clock);
  }

  start(): void {
    this.control.restore();
    this.air.start((isActive) => {
      this.rest.show(isActive);
    });
    this.connection.start();
    addEventListener('online', () => {
      this.connection.hurry();
    });
    void this.renewal.run(new AbortController().signal);
  }

  private hear(frame: EventFrame): void {
    if (frame.type === 'config') this.wear(wornConfig(frame.d.config));
    if (frame.type === 'control') this.control.obey(frame, this.inbox.serverNow - frame.at.seen);
  }

  private wear(config: WornConfig): void {
    this.config = config;
    this.parts.stage.wear(config);
    this.voice.wear(config);
    this.parts.widgets.wear(config);
    if (this.parts.widgets.isShown) this.makeRoom();
    this.parts.sign.allowDot(config.linkDot);
    this.control.configure(config);
    this.air.configure(config);
    const restAfterSec = this.parts.settings.restAfterSec ?? config.restAfterSec;
    this.rest.configure(restAfterSec === null ? undefined : restAfterSec * 1000);
  }

  /** A widget stands where alerts would: none of them waits for its end. */
  private makeRoom(): void {
    this.inbox.clear();
    this.player.skip();
    this.voice.hush();
  }

  private report(alert: Alert): void {
    if (this.parts.settings.preview !== undefined || alert.kind !== 'tip' || alert.blockMs === undefined || alert.replay) return;
    this.connection.shown(alert.seq, this.inbox.serverNow - alert.blockMs);
  }

  private makeInbox(): TipInbox {
    const { store, clock, shownElsewhere, tab } = this.parts;
    const listener = {
      waiting: () => {
        this.player.wake();
      },
      patched: (alert: TipAlert) => {
        this.player.patch(alert);
      },
    };
    return new TipInbox(store, listener, {
      clock,
      placeOf: (alert) => tierOf(this.config, alert),
      catchUp: () => this.config.catchUp,
      isSameTab: wasHere(tab),
      shownElsewhere,
    });
  }

  private makePlayer(): AlertPlayer {
    const { clock, stage } = this.parts;
    return new AlertPlayer({
      inbox: this.inbox,
      clock,
      look: (alert) => this.voice.stretched(lookOf(this.config, alert)),
      draw: (alert, look, resumed) => stage.draw(alert, look, resumed),
      shown: (alert, look) => {
        this.voice.play(look);
        this.report(alert);
      },
      frame: () => this.air.frame(),
      seenMs: () => this.air.seenMs,
      failed: (error) => {
        reportError(error);
      },
    });
  }

  private makeVoice(): PageVoice {
    const { clock, inObs, stage, settings } = this.parts;
    const isMine = (): boolean => this.config.instances === 'all-with-sound' || this.air.isPrimary;
    return new PageVoice({ clock, inObs, isSilent: settings.preview?.sounds === false, assets: stage.assets, isMine });
  }

  private makeRenewal(): Renewal {
    const { clock, tab } = this.parts;
    return new Renewal({
      clock,
      random: Math.random,
      isIdle: () => this.inbox.isIdle,
      newest: newestVersion,
      own: versionOf(document.documentElement.outerHTML) ?? '',
      awaySince: () => this.awaySince,
      memory: tab,
      reload: () => {
        location.reload();
      },
    });
  }

  private makeControl(): RemoteControl {
    return new RemoteControl(this.parts.store, {
      skip: () => {
        this.player.skip();
        this.voice.hush();
      },
      clear: () => {
        this.inbox.clear();
      },
      pause: (paused) => {
        this.inbox.hold(paused);
      },
      mute: (muted) => {
        this.voice.mute(muted);
      },
      reload: () => {
        void this.renewal.ask();
      },
    });
  }
}

const HERE = 'droppio:here';

function wasHere(tab: TextStorage | undefined): boolean {
  try {
    const was = tab?.getItem(HERE) === 'yes';
    tab?.setItem(HERE, 'yes');
    return was;
  } catch {
    return false;
  }
}
