import {
  gatewayLadder,
  OnAir,
  OverlayConnection,
  PrimaryLease,
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
import { Chime } from './chime.js';
import { offerSound } from './sound-note.js';
import { decodeSound, Sounds } from './sounds.js';
import type { LinkSign } from './link-sign.js';
import type { PageSettings } from './settings.js';
import type { Stage } from './stage.js';
import { newestVersion, nextFrame, versionOf, watchAir } from './surroundings.js';
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
  private readonly onAir: OnAir;
  private readonly lease: PrimaryLease;
  private readonly chime: Chime;
  private readonly sounds: Sounds<AudioBuffer>;
  private readonly control: RemoteControl;
  private readonly connection: OverlayConnection;
  private readonly rest: RestWhileHidden;
  private readonly renewal: Renewal;
  private awaySince: number | undefined;
  private config: WornConfig = wornConfig({});

  constructor(private readonly parts: PageParts) {
    const { settings, clock, widgets } = parts;
    this.awaySince = clock.now();
    this.inbox = this.makeInbox();
    this.onAir = this.makeOnAir();
    this.player = this.makePlayer();
    this.lease = this.makeLease();
    this.chime = this.makeChime();
    this.sounds = new Sounds(this.chime, parts.stage.assets, decodeSound);
    this.control = this.makeControl();
    this.renewal = this.makeRenewal();
    const transport = gatewayLadder(settings.gatewayUrl, { clock });
    this.connection = new OverlayConnection(
      { transport, token: settings.token, cursor: this.inbox.cursor, client: parts.clientName, clock },
      {
        ready: (frame, position) => {
          this.wear(wornConfig(frame.config));
          widgets.ready(frame.head, position);
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
    watchAir(this.onAir, (isActive) => {
      this.rest.show(isActive);
    });
    this.onAir.hint({ isPrimary: this.lease.isPrimary });
    this.connection.start();
    addEventListener('online', () => {
      this.connection.hurry();
    });
    void this.renewal.run(new AbortController().signal);
  }

  private hear(frame: EventFrame): void {
    if (frame.type === 'config') this.wear(wornConfig(frame.d.config));
    if (frame.type === 'control') this.control.obey(frame);
  }

  private wear(config: WornConfig): void {
    this.config = config;
    this.parts.stage.wear(config);
    this.sounds.wear(config);
    this.parts.widgets.wear(config);
    if (this.parts.widgets.isShown) this.makeRoom();
    else if (!this.parts.inObs && this.sounds.isHeard) offerSound(document, this.parts.clock);
    this.parts.sign.allowDot(config.linkDot);
    this.control.configure(config);
    this.onAir.configure({ onlyWhileLive: config.catchUp.onlyWhileLive, onlyPrimary: config.instances === 'primary-only' });
    const restAfterSec = this.parts.settings.restAfterSec ?? config.restAfterSec;
    this.rest.configure(restAfterSec === null ? undefined : restAfterSec * 1000);
  }

  /** A widget stands where alerts would: none of them waits for its end. */
  private makeRoom(): void {
    this.inbox.clear();
    this.player.skip();
  }

  private report(alert: Alert): void {
    if (alert.kind !== 'tip' || alert.blockMs === undefined || alert.replay) return;
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

  private makeOnAir(): OnAir {
    return new OnAir(
      this.parts.clock,
      (isOnAir) => {
        this.inbox.setOnAir(isOnAir);
      },
      (isPreferred) => {
        this.lease.setOnAir(isPreferred);
      },
    );
  }

  private makePlayer(): AlertPlayer {
    const { clock, stage } = this.parts;
    return new AlertPlayer({
      inbox: this.inbox,
      clock,
      look: (alert) => this.sounds.stretched(lookOf(this.config, alert)),
      draw: (alert, look, resumed) => stage.draw(alert, look, resumed),
      shown: (alert, { sound }) => {
        this.sounds.play(sound);
        this.report(alert);
      },
      frame: () => nextFrame(this.onAir, clock),
      seenMs: () => this.onAir.totalMs,
    });
  }

  private makeLease(): PrimaryLease {
    const { settings, instance } = this.parts;
    return new PrimaryLease(settings.token, instance, {
      // Missing on plain http, which TypeScript does not know.
      locks: 'locks' in navigator ? navigator.locks : undefined,
      openChannel: (name) => new BroadcastChannel(name),
      changed: () => {
        this.onAir.hint({ isPrimary: this.lease.isPrimary });
      },
    });
  }

  private makeChime(): Chime {
    return new Chime({
      isMine: () => this.config.instances === 'all-with-sound' || this.lease.isPrimary,
      mayStart: () => this.parts.inObs || navigator.userActivation.hasBeenActive,
    });
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
        this.chime.hush();
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
