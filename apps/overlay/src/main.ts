import { claimSlot, instanceKey, LocalCursorStore, MemoryCursorStore, WallClock, type CursorStore } from '@droppio/client';
import { LinkSign } from './link-sign.js';
import { OverlayPage } from './overlay-page.js';
import { readSettings, type PageSettings } from './settings.js';
import { Stage } from './stage.js';

declare global {
  interface WindowEventMap {
    /** The source came onto, or left, what is streamed or recorded. */
    obsSourceActiveChanged: CustomEvent<{ readonly active: boolean }>;
  }
  interface Window {
    /** Present inside OBS only. */
    readonly obsstudio?: { readonly pluginVersion?: string };
  }
}

const clock = new WallClock();
const inObs = window.obsstudio !== undefined;
const sign = new LinkSign(document, clock, inObs);
const gateway = document.querySelector<HTMLMetaElement>('meta[name="droppio-gateway"]')?.content ?? '';
const settings = readSettings(location, gateway);

// OBS changes a source's address without a reload when only the fragment differs.
addEventListener('hashchange', () => {
  location.reload();
});

if (settings === undefined) sign.refuse('This address carries no overlay token. Copy the whole overlay URL.');
else void run(settings);

async function run(settings: PageSettings): Promise<void> {
  const instance = settings.name ?? (await mySlot(settings.token));
  const page = new OverlayPage({
    settings,
    instance,
    store: bookmarks(settings.token, instance),
    stage: new Stage(document.getElementById('stage') ?? document.body),
    sign,
    clock,
    inObs,
    clientName: clientName(),
  });
  page.start();
  addEventListener('obsSourceActiveChanged', ({ detail }) => {
    page.seen(detail.active);
  });
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
