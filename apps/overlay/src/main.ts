import {
  claimSlot,
  DurableStorage,
  IndexedDbShelf,
  instanceKey,
  LocalCursorStore,
  MemoryCursorStore,
  shownByOthers,
  WallClock,
  type CursorStore,
} from '@droppio/client';
import { Assets } from './assets.js';
import { LinkSign } from './link-sign.js';
import { OverlayPage } from './overlay-page.js';
import { readSettings, type PageSettings } from './settings.js';
import { Stage } from './stage.js';
import { OverlayWidgets } from './widgets/overlay-widgets.js';
import { WidgetSource } from './widgets/widget-source.js';
import { WidgetStage } from './widgets/widget-stage.js';

const SHELF_MS = 2000;

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
  const key = instanceKey(settings.token, instance);
  const storage = localTexts();
  const page = new OverlayPage({
    settings,
    instance,
    store: await bookmarks(settings.token, instance, storage),
    shownElsewhere: () => (storage === undefined ? [] : shownByOthers(storage, key)),
    tab: tabStorage(),
    stage: new Stage(document.getElementById('stage') ?? document.body, new Assets(clock)),
    widgets: widgets(settings.token, key, storage),
    sign,
    clock,
    inObs,
    clientName: clientName(),
  });
  page.start();
}

async function bookmarks(token: string, instance: string | number, storage: Storage | undefined): Promise<CursorStore> {
  if (storage === undefined) return new MemoryCursorStore();
  const key = instanceKey(token, instance);
  // A database that does not open must not keep an overlay from its alerts.
  const patience = clock.sleep(SHELF_MS);
  const texts = await DurableStorage.open(storage, () => IndexedDbShelf.open(indexedDB, 'droppio'), `droppio:${key}:`, { patience });
  return new LocalCursorStore(texts, key, instance === 0 ? undefined : instanceKey(token, 0));
}

function localTexts(): Storage | undefined {
  try {
    // Reading the property alone throws where storage is forbidden.
    return window.localStorage;
  } catch {
    return undefined;
  }
}

function widgets(token: string, key: string, storage: Storage | undefined): OverlayWidgets {
  const element = document.getElementById('widget') ?? document.body;
  const stage = new WidgetStage(element, clock, { storage, key: `droppio:${key}:goal` });
  return new OverlayWidgets(stage, new WidgetSource(location.href, token), clock);
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
