import { rename, stat, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { createTestClient, http } from 'viem';

const DUMP_TIMEOUT_MS = 30_000;
const inflate = promisify(gunzip);

/**
 * Writes everything a dev chain knows to a file that `anvil --load-state` reads. anvil's own `--state-interval` writes in place, so that a
 * kill in the middle leaves half a file and a chain that never starts again: here the old file stays until the new one is whole.
 */
export async function saveState(rpcUrl: string, file: string): Promise<void> {
  const client = createTestClient({ mode: 'anvil', transport: http(rpcUrl, { retryCount: 0, timeout: DUMP_TIMEOUT_MS }) });
  const packed = await client.dumpState();
  const state = await inflate(Buffer.from(packed.slice(2), 'hex'));
  await writeFile(`${file}.new`, state);
  await rename(`${file}.new`, file);
}

export async function hasState(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

/** Saves after every change of the head, at most every `everyMs` and never for more than a twentieth of the time. */
export class StateKeeper {
  private saved = '';
  private timer: ReturnType<typeof setTimeout> | undefined;
  private saving: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly rpcUrl: string,
    private readonly file: string,
    private readonly everyMs: number,
  ) {}

  start(): void {
    this.plan(this.everyMs);
  }

  /** One last save. Rejects when that fails: the caller decides whether to stop all the same. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.saving;
    await this.save();
  }

  private plan(ms: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      const began = performance.now();
      // A failed save is repaired by the next; the one at the end reports.
      this.saving = this.save()
        .catch(() => undefined)
        .then(() => {
          this.plan(Math.max(this.everyMs, 20 * (performance.now() - began)));
        });
    }, ms);
    this.timer.unref();
  }

  private async save(): Promise<void> {
    const client = createTestClient({ mode: 'anvil', transport: http(this.rpcUrl, { retryCount: 0, timeout: DUMP_TIMEOUT_MS }) });
    const head = await client.request<{ ReturnType: { hash: string } }>({ method: 'eth_getBlockByNumber', params: ['latest', false] });
    if (head.hash === this.saved) return;
    await saveState(this.rpcUrl, this.file);
    this.saved = head.hash;
  }
}
