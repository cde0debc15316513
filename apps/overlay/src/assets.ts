import type { Clock } from '@droppio/tips';

const ASSET_ID = /^ast_[A-Za-z0-9]{16,40}$/;
/** Of one config: a look for all alerts and twenty tiers, an image and a sound each. */
const MOST = 42;
const AT_ONCE = 4;
const LOAD_WITHIN_MS = 15_000;
/** An image that is not decoded by then is decoded when it is painted. */
const DECODE_WITHIN_MS = 1000;
/** Before the next try; after the last one alerts do without, until another config names the asset. */
const RETRY_AFTER_MS = [1000, 5000, 30_000] as const;

/** Where an asset of a creator's is: beside the page, so of its origin, also behind a proxy that adds a prefix. An id never means other bytes. */
export function assetUrl(id: string): string {
  return `media/${id}`;
}

type Kind = 'image' | 'sound';
type State = 'loading' | 'ready' | 'failed';

export interface AssetLoaders {
  /** Resolves with an image that has come, and can be painted at once where the browser decodes ahead; rejects when it cannot be painted. */
  image(url: string, signal: AbortSignal): Promise<HTMLImageElement>;
  /** The file as it is; rejects with `Gone` for what will not come back. */
  sound(url: string, signal: AbortSignal): Promise<ArrayBuffer>;
}

/** It is not there: asking again would not help. */
export class Gone extends Error {}

interface Held {
  readonly kind: Kind;
  readonly id: string;
  readonly dropped: AbortController;
  state: State;
  image?: HTMLImageElement;
  sound?: ArrayBuffer;
}

/**
 * The uploaded images and sounds that a config names, fetched when the config comes, so that no alert waits for the network. What could not
 * be loaded is not there: an alert is shown without it.
 */
export class Assets {
  private held = new Map<string, Held>();
  private readonly waiting: Held[] = [];
  private running = 0;
  /** Told of each that has come. */
  onReady: ((asset: { readonly kind: Kind; readonly id: string }) => void) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly loaders: AssetLoaders = browserLoaders(clock),
  ) {}

  /** What this config names is loaded, what only the one before named is let go. */
  want(config: Readonly<Record<string, unknown>>): void {
    const before = this.held;
    this.held = new Map(
      assetsIn(config).map((asset) => {
        const key = keyOf(asset);
        const kept = before.get(key);
        before.delete(key);
        return [key, kept === undefined || kept.state === 'failed' ? this.begin(asset) : kept];
      }),
    );
    for (const { dropped } of before.values()) dropped.abort();
    this.work();
  }

  /** An image for one alert, decoded already; `undefined` when it is not (or not yet) there. */
  image(id: string): HTMLImageElement | undefined {
    const image = this.held.get(keyOf({ kind: 'image', id }))?.image;
    if (image === undefined) return undefined;
    const copy = new Image(image.naturalWidth, image.naturalHeight);
    copy.src = image.src;
    return copy;
  }

  /** A copy of the file for `decodeAudioData`, which takes it away; `undefined` when it is not (or not yet) there. */
  sound(id: string): ArrayBuffer | undefined {
    return this.held.get(keyOf({ kind: 'sound', id }))?.sound?.slice(0);
  }

  private begin(asset: { readonly kind: Kind; readonly id: string }): Held {
    const held: Held = { ...asset, dropped: new AbortController(), state: 'loading' };
    this.waiting.push(held);
    return held;
  }

  private work(): void {
    for (let held = this.next(); held !== undefined; held = this.next()) {
      this.running += 1;
      void this.load(held).finally(() => {
        this.running -= 1;
        this.work();
      });
    }
  }

  private next(): Held | undefined {
    return this.running < AT_ONCE ? this.waiting.shift() : undefined;
  }

  private async load(held: Held): Promise<void> {
    const { signal } = held.dropped;
    for (const retryAfterMs of [...RETRY_AFTER_MS, undefined]) {
      if (signal.aborted) return;
      try {
        await this.fetch(held);
        held.state = 'ready';
        this.onReady?.(held);
        return;
      } catch (error) {
        if (error instanceof Gone || retryAfterMs === undefined) break;
        await this.clock.sleep(retryAfterMs, signal);
      }
    }
    held.state = 'failed';
  }

  private async fetch(held: Held): Promise<void> {
    const deadline = new AbortController();
    const give = (): void => {
      deadline.abort();
    };
    held.dropped.signal.addEventListener('abort', give, { once: true });
    const done = new AbortController();
    void this.clock.sleep(LOAD_WITHIN_MS, done.signal).then(give);
    try {
      const url = assetUrl(held.id);
      if (held.kind === 'image') held.image = await this.loaders.image(url, deadline.signal);
      else held.sound = await this.loaders.sound(url, deadline.signal);
    } finally {
      done.abort();
      held.dropped.signal.removeEventListener('abort', give);
    }
  }
}

const keyOf = ({ kind, id }: { readonly kind: Kind; readonly id: string }): string => `${kind} ${id}`;

/** What a config names, in the order in which it matters: the look of all alerts, then the tiers. Nothing of its shape is taken for granted. */
export function assetsIn(config: Readonly<Record<string, unknown>>): readonly { readonly kind: Kind; readonly id: string }[] {
  const tiers = within(config, 'tiers');
  const looks = [within(config, 'defaults'), ...(Array.isArray(tiers) ? tiers.map((tier) => within(tier, 'override')) : [])];
  const found = new Map<string, { readonly kind: Kind; readonly id: string }>();
  for (const look of looks) {
    for (const kind of ['image', 'sound'] as const) {
      const id = within(within(look, kind), 'asset');
      if (typeof id === 'string' && ASSET_ID.test(id)) found.set(keyOf({ kind, id }), { kind, id });
    }
  }
  return [...found.values()].slice(0, MOST);
}

function within(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}

const browserLoaders = (clock: Clock): AssetLoaders => ({
  async image(url, signal) {
    const image = new Image();
    image.decoding = 'async';
    const come = loaded(image);
    image.src = url;
    await Promise.race([come, aborted(signal)]);
    // On a page that draws no frames browsers decode nothing ahead, and say so never: a source may begin in a scene that is not shown.
    await Promise.race([image.decode(), clock.sleep(DECODE_WITHIN_MS, signal)]);
    return image;
  },
  async sound(url, signal) {
    const response = await fetch(url, { signal });
    if (response.status === 404) throw new Gone();
    if (!response.ok) throw new TypeError('not now');
    return response.arrayBuffer();
  },
});

function loaded(image: HTMLImageElement): Promise<void> {
  return new Promise((resolve, reject) => {
    image.onload = () => {
      resolve();
    };
    image.onerror = () => {
      reject(new TypeError('not now'));
    };
  });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener(
      'abort',
      () => {
        reject(new DOMException('too late', 'AbortError'));
      },
      { once: true },
    );
  });
}
