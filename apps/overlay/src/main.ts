import {
  claimSlot,
  cursorsOfOthers,
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
import { trustStyles } from './trusted-styles.js';
import { OverlayWidgets } from './widgets/overlay-widgets.js';
import { WidgetSource } from './widgets/widget-source.js';
import { WidgetStage } from './widgets/widget-stage.js';

const SHELF_MS = 2000;

trustStyles();
const clock = new WallClock();
const inObs = window.obsstudio !== undefined;
const gateway = document.querySelector<HTMLMetaElement>('meta[name="droppio-gateway"]')?.content ?? '';
const settings = readSettings(location, gateway);
const sign = new LinkSign(document, clock, inObs && settings?.preview === undefined);

// OBS changes a source's address without a reload when only the fragment differs.
addEventListener('hashchange', () => {
  location.reload();
});

if (settings === undefined) sign.refuse('This address carries no overlay token. Copy the whole overlay URL.');
else void run(settings);

async function run(settings: PageSettings): Promise<void> {
  const { token, name, preview } = settings;
  // A preview takes no slot from the sources. It remembers nothing, and knows nothing of what others remember.
  const slot = preview === undefined ? await mySlot(settings) : 0;
  const key = name === undefined ? instanceKey(token, slot) : instanceKey(token, name, slot);
  const storage = preview === undefined ? localTexts() : undefined;
  const page = new OverlayPage({
    settings,
    instance: name ?? slot,
    store: await bookmarks(key, heirOf(settings, slot), storage),
    shownElsewhere: () => (storage === undefined ? [] : shownByOthers(storage, key)),
    tab: preview === undefined ? tabStorage() : undefined,
    stage: new Stage(document.getElementById('stage') ?? document.body, new Assets(clock)),
    widgets: widgets(token, key, storage),
    sign,
    clock,
    inObs,
    clientName: clientName(),
  });
  if (preview !== undefined) sign.preview();
  page.start();
}

async function bookmarks(key: string, heir: string | undefined, storage: Storage | undefined): Promise<CursorStore> {
  if (storage === undefined) return new MemoryCursorStore();
  // A database that does not open must not keep an overlay from its alerts.
  const patience = clock.sleep(SHELF_MS);
  const shelf = DurableStorage.open(storage, () => IndexedDbShelf.open(indexedDB, 'droppio'), `droppio:${key}:`, { patience });
  const texts = await shelf.catch(() => storage);
  return new LocalCursorStore(texts, key, heir, () => cursorsOfOthers(storage, key));
}

/** Whose place a page takes up that was never here: of the first one of its name, or of all. */
function heirOf({ token, name }: PageSettings, slot: number): string | undefined {
  if (name !== undefined && slot > 0) return instanceKey(token, name);
  return name === undefined && slot === 0 ? undefined : instanceKey(token, 0);
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

function mySlot({ token, name }: PageSettings): Promise<number> {
  const around = {
    // Missing on plain http, which TypeScript does not know.
    locks: 'locks' in navigator ? navigator.locks : undefined,
    tab: tabStorage(),
    openChannel: (channel: string) => new BroadcastChannel(channel),
    sleep: (ms: number) => clock.sleep(ms),
    random: Math.random,
  };
  return claimSlot(token, around, name);
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
