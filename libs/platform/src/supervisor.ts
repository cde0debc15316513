import { setTimeout as sleep } from 'node:timers/promises';

const ASK_EVERY_MS = 100;

export interface Supervised {
  /** May it be sent work? Absent: at once. */
  isReady?(): Promise<boolean>;
}

/** A process as its parent has opened a channel to it, or has not. */
export type Channel = Pick<NodeJS.Process, 'connected' | 'send'>;

/** PM2 (`wait_ready`) and whoever else listens to its child waits for `ready` before it goes on to the next process: so it is said when it is true. */
export async function tellSupervisor(running: Supervised, isStopping: () => boolean, channel: Channel = process): Promise<void> {
  while (channel.connected && !isStopping()) {
    if ((await running.isReady?.()) !== false) {
      // A supervisor that has gone meanwhile needs no word.
      channel.send?.('ready', undefined, undefined, () => undefined);
      return;
    }
    await sleep(ASK_EVERY_MS, undefined, { ref: false });
  }
}
