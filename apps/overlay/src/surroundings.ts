import { SightDoubt, type OnAir } from '@droppio/client';
import type { Clock } from '@droppio/tips';

declare global {
  interface WindowEventMap {
    /** The source came into sight somewhere in OBS, previews included, or went out of it. May come late. */
    obsSourceVisibleChanged: CustomEvent<{ readonly visible: boolean }>;
    /** The source came onto, or left, what is streamed or recorded. */
    obsSourceActiveChanged: CustomEvent<{ readonly active: boolean }>;
    obsStreamingStarted: CustomEvent<null>;
    obsStreamingStopped: CustomEvent<null>;
  }
  interface Window {
    /** Present inside OBS only. */
    readonly obsstudio?: {
      readonly pluginVersion?: string;
      /** Throws where the source's permissions were taken away. */
      getStatus?(answer: (status: { readonly streaming?: boolean }) => void): void;
    };
  }
}

/** Passes on what the browser and OBS say about who may see this page. */
export function watchAir(onAir: OnAir, clock: Clock, seen: (isActive: boolean) => void): void {
  const doubt = new SightDoubt({
    clock,
    isHidden: () => document.hidden,
    frame: () => nextFrame(onAir, clock),
    doubted: () => {
      onAir.hint({ isVisible: true });
    },
  });
  const look = (): void => {
    onAir.hint({ isHidden: document.hidden });
    doubt.look();
  };
  document.addEventListener('visibilitychange', look);
  look();
  addEventListener('obsSourceVisibleChanged', ({ detail }) => {
    onAir.hint({ isVisible: detail.visible });
    doubt.heard(detail.visible);
  });
  addEventListener('obsSourceActiveChanged', ({ detail }) => {
    // What is streamed is visible, whatever was said before.
    onAir.hint(detail.active ? { isActive: true, isVisible: true } : { isActive: false });
    if (detail.active) doubt.heard(true);
    seen(detail.active);
  });
  addEventListener('obsStreamingStarted', () => {
    onAir.hint({ isLive: true });
  });
  addEventListener('obsStreamingStopped', () => {
    onAir.hint({ isLive: false });
  });
  try {
    window.obsstudio?.getStatus?.(({ streaming }) => {
      if (streaming !== undefined) onAir.hint({ isLive: streaming });
    });
  } catch {
    // Then it counts as live.
  }
}

/** Slower than the slowest source that OBS can be told to draw, one frame a second. */
const FRAME_PATIENCE_MS = 3000;

/** Asked for, and not drawn yet: of a page that nobody can see one waits, not one for each time that somebody asked. */
let coming: Promise<boolean> | undefined;

/** False when no frame came in time: nobody can see this page, until one comes. */
export async function nextFrame(onAir: OnAir, clock: Clock): Promise<boolean> {
  const patience = new AbortController();
  coming ??= new Promise<boolean>((resolve) => {
    requestAnimationFrame(() => {
      coming = undefined;
      onAir.hint({ hasFrames: true });
      resolve(true);
    });
  });
  const isDrawn = await Promise.race([coming, clock.sleep(FRAME_PATIENCE_MS, patience.signal).then(() => false)]);
  patience.abort();
  if (!isDrawn) onAir.hint({ hasFrames: false });
  return isDrawn;
}

/** What a page is made of: the addresses in it, which are named after what they hold. `undefined`: this is not our page. */
export function versionOf(html: string): string | undefined {
  if (!html.includes('name="droppio-gateway"')) return undefined;
  return [...html.matchAll(/\s(?:src|href|content)="([^"]*)"/g)].map(([, text]) => text).join(' ');
}

/** What the server would send for a reload. */
export async function newestVersion(): Promise<string | undefined> {
  try {
    const options = { cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer' } as const;
    const response = await fetch(location.pathname, { ...options, signal: AbortSignal.timeout(10_000) });
    return response.ok ? versionOf(await response.text()) : undefined;
  } catch {
    return undefined;
  }
}
