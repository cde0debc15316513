import {
  claimSlot,
  instanceKey,
  LocalCursorStore,
  MemoryCursorStore,
  OverlayConnection,
  type CursorStore,
  TipInbox,
  WallClock,
  WebSocketTransport,
} from '@droppio/client';
import { DEFAULT_OVERLAY_CONFIG } from '@droppio/tips';
import { AlertPlayer, type Look } from './alert-player.js';
import { Card } from './card.js';
import { LinkSign } from './link-sign.js';
import { readSettings, type PageSettings } from './settings.js';

declare global {
  interface Window {
    /** Present inside OBS only. */
    readonly obsstudio?: { readonly pluginVersion?: string };
  }
}

const clock = new WallClock();
const sign = new LinkSign(document, clock, window.obsstudio !== undefined);
const gateway = document.querySelector<HTMLMetaElement>('meta[name="droppio-gateway"]')?.content ?? '';
const settings = readSettings(location, gateway);

// OBS changes a source's address without a reload when only the fragment differs.
addEventListener('hashchange', () => {
  location.reload();
});

if (settings === undefined) sign.refuse('This address carries no overlay token. Copy the whole overlay URL.');
else void run(settings);

async function run({ token, name, gatewayUrl }: PageSettings): Promise<void> {
  const instance = name ?? (await mySlot(token));
  const store = bookmarks(token, instance);
  let look: Look = DEFAULT_OVERLAY_CONFIG;

  const inbox: TipInbox = new TipInbox(store, {
    waiting: () => {
      player.wake();
    },
    patched: (alert) => {
      player.patch(alert);
    },
  });
  const connection = new OverlayConnection(
    { transport: new WebSocketTransport(gatewayUrl), token, cursor: inbox.cursor, client: clientName(), clock },
    {
      ready: (frame, position) => {
        look = frame.config;
        inbox.resume(frame, position);
      },
      event: (frame, position) => {
        if (frame.type === 'config') look = frame.d.config;
        inbox.receive(frame, position);
      },
      gap: (_gap, position) => {
        inbox.advance(position);
      },
      state: (state) => {
        sign.show(state);
        if (state.kind !== 'open') inbox.interrupt();
      },
    },
  );
  const player = new AlertPlayer({
    inbox,
    draw: (alert) => {
      const card = new Card(alert);
      (document.getElementById('stage') ?? document.body).append(card.element);
      return card;
    },
    clock,
    look: () => look,
    shown: (alert) => {
      if (alert.kind === 'tip' && alert.blockMs !== undefined && !alert.replay) connection.shown(alert.seq, Date.now() - alert.blockMs);
    },
  });
  addEventListener('online', () => {
    connection.hurry();
  });
  connection.start();
}

function bookmarks(token: string, instance: string | number): CursorStore {
  try {
    // Reading the property alone throws where storage is forbidden.
    const { localStorage } = window;
    return new LocalCursorStore(localStorage, instanceKey(token, instance), instance === 0 ? undefined : instanceKey(token, 0));
  } catch {
    return new MemoryCursorStore();
  }
}

function mySlot(token: string): Promise<number> {
  return claimSlot(token, {
    // Missing on plain http, which TypeScript does not know.
    locks: 'locks' in navigator ? navigator.locks : undefined,
    tab: tabStorage(),
    openChannel: (name) => new BroadcastChannel(name),
    sleep: (ms) => clock.sleep(ms),
    random: Math.random,
  });
}

function tabStorage(): Storage | undefined {
  try {
    return window.sessionStorage;
  } catch {
    return undefined;
  }
}

function clientName(): string {
  const obs = /OBS\/[\d.]+/.exec(navigator.userAgent)?.[0];
  return ['overlay/0.1', obs].filter((part) => part !== undefined).join(' ');
}
