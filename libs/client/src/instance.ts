/*
 * Two browser sources with the same URL share one localStorage. Each needs a cursor of its own, or one of them would swallow what the other
 * has yet to show. A source may carry a name in its URL. Sources of one name (a copy of a source has the name, too), as those without one, take
 * the lowest free slot, and a reload takes its old slot again.
 */

/** What is used of the Web Locks API; absent outside secure contexts (plain http that is not localhost) and in Node 20. */
export interface LockManagerLike {
  request(
    name: string,
    options: { ifAvailable?: boolean; signal?: AbortSignal },
    callback: (lock: unknown) => Promise<void> | undefined,
  ): Promise<unknown>;
}

export interface InstanceSurroundings {
  readonly locks?: LockManagerLike | undefined;
  /** Lives as long as the tab: remembers the slot over a reload. */
  readonly tab?: { getItem(key: string): string | null; setItem(key: string, text: string): void } | undefined;
  readonly openChannel?: ((name: string) => BroadcastChannel) | undefined;
  readonly sleep: (ms: number) => Promise<void>;
  readonly random: () => number;
}

const MAX_SLOTS = 32;
/** A reloaded page asks while its former self is still being torn down. */
const TEAR_DOWN_MS = 2000;
/** Many sources begin at once, on a machine that is busy then. */
const ANSWER_MS = 300;

/** As the server makes them: one byte of a key's number, the overlay, its creator, a version and the signature, in base64. */
const OURS = /^dro_ov_([\w-]{44})[\w-]{48}$/;

/**
 * The same for all tokens of one overlay, so that a page with a new address goes on where the one with the old address was. Of a token that is none
 * of ours 64 bits at most: far too little to guess a 256-bit signature from. Not SHA-256, because `crypto.subtle` is missing on plain http in a
 * home network, where overlays live too.
 */
export function tokenFingerprint(token: string): string {
  const [, named] = OURS.exec(token) ?? [];
  const overlay = named === undefined ? token : atob(named.replaceAll('-', '+').replaceAll('_', '/')).slice(1);
  return [0x811c9dc5, 0x01000193].map((seed) => fnv1a(overlay, seed).toString(16).padStart(8, '0')).join('');
}

/** The key for `LocalCursorStore`, of a page without a name, or of the one in a slot of its name. */
export function instanceKey(token: string, instance: string | number, slotOfName = 0): string {
  const of = typeof instance === 'number' ? String(instance) : nameKey(instance);
  // Encoded names know no such sign, so no other name comes to the same, nor begins like it.
  return `${tokenFingerprint(token)}:${of}${slotOfName === 0 ? '' : `#${String(slotOfName)}`}`;
}

const nameKey = (name: string): string => `name-${encodeURIComponent(name)}`;

/** The lowest slot that no other living page of this token, and of this name, holds; held until the page is gone. Never rejects. */
export async function claimSlot(token: string, around: InstanceSurroundings, name?: string): Promise<number> {
  const base = `droppio:${tokenFingerprint(token)}${name === undefined ? '' : `:${nameKey(name)}`}`;
  // Whoever bears a name is its first page, unless that one lives: OBS may make a source anew while the old one is only just going.
  const former = formerSlot(base, around) ?? (name === undefined ? undefined : 0);
  let slot = 0;
  try {
    if (around.locks !== undefined) slot = await slotByLock(base, former, around.locks, around);
    else if (around.openChannel !== undefined) slot = await slotByTalk(base, former, around.openChannel, around);
  } catch {
    // Locks can be forbidden by policy. Sharing slot 0 is then the best there is: it risks a doubled source, not a lost alert.
  }
  try {
    around.tab?.setItem(`${base}:slot`, String(slot));
  } catch {
    // Storage may be off; the slot is then found anew.
  }
  return slot;
}

function formerSlot(base: string, { tab }: InstanceSurroundings): number | undefined {
  try {
    const text = tab?.getItem(`${base}:slot`) ?? '';
    return /^\d{1,2}$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}

async function slotByLock(base: string, former: number | undefined, locks: LockManagerLike, around: InstanceSurroundings): Promise<number> {
  if (former !== undefined && (await waitForLock(`${base}:${String(former)}`, locks, around))) return former;
  for (let slot = 0; slot < MAX_SLOTS; slot += 1) {
    if (await holdLock(`${base}:${String(slot)}`, { ifAvailable: true }, locks)) return slot;
  }
  return 0;
}

async function waitForLock(name: string, locks: LockManagerLike, around: InstanceSurroundings): Promise<boolean> {
  const patience = new AbortController();
  const held = holdLock(name, { signal: patience.signal }, locks);
  const late = around.sleep(TEAR_DOWN_MS).then(() => {
    patience.abort();
    return false;
  });
  return Promise.race([held, late]);
}

/** True once the lock is ours; it is given back only by the end of the page. */
function holdLock(name: string, options: { ifAvailable?: boolean; signal?: AbortSignal }, locks: LockManagerLike): Promise<boolean> {
  return new Promise((resolve, reject) => {
    locks
      .request(name, options, (lock) => {
        resolve(lock !== null);
        return lock === null ? undefined : new Promise<void>(() => undefined);
      })
      .catch((error: unknown) => {
        if (options.signal?.aborted === true) resolve(false);
        else reject(error instanceof Error ? error : new Error('no lock'));
      });
  });
}

interface Claim {
  readonly slot: number;
  readonly id: number;
  readonly settled: boolean;
}

/** Without locks the pages talk: whoever holds a slot defends it; of two that ask at the same time the lower number wins. */
async function slotByTalk(
  base: string,
  former: number | undefined,
  open: (name: string) => BroadcastChannel,
  { sleep, random }: InstanceSurroundings,
): Promise<number> {
  const channel = open(base);
  let mine: Claim = { slot: former ?? 0, id: random(), settled: false };
  const contested = new Set<number>();
  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (!isClaim(data) || data.slot !== mine.slot || data.id === mine.id) return;
    if (mine.settled || (!data.settled && mine.id < data.id)) channel.postMessage(mine);
    else contested.add(data.slot);
  });
  for (let slot = mine.slot; slot < MAX_SLOTS + mine.slot; slot += 1) {
    mine = { ...mine, slot: slot % MAX_SLOTS };
    channel.postMessage(mine);
    await sleep(ANSWER_MS);
    if (!contested.has(mine.slot)) break;
  }
  mine = { ...mine, settled: true };
  // The channel stays open for as long as the page lives: it is what defends the slot.
  return mine.slot;
}

function isClaim(data: unknown): data is Claim {
  if (typeof data !== 'object' || data === null) return false;
  return 'slot' in data && typeof data.slot === 'number' && 'id' in data && typeof data.id === 'number' && 'settled' in data;
}

function fnv1a(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
