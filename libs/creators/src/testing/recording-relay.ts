import { EventRelay } from '@droppio/tips';

/** Notes who was drained; what is committed then can be read from the ledger. */
export class RecordingRelay extends EventRelay {
  readonly drained: string[] = [];

  override drain(creatorId: string): Promise<void> {
    this.drained.push(creatorId);
    return Promise.resolve();
  }
}
