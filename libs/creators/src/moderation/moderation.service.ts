import { Injectable, Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import {
  EventRelay,
  ModerationDesk,
  TipLedger,
  within,
  type AlertPage,
  type AlertQuery,
  type AlertQueue,
  type ExpectedVersion,
  type ModeratedTip,
  type ModerationDocument,
  type ModerationRules,
  type TipKey,
} from '@droppio/tips';

/** A change is committed by then; an answer need not wait longer for it to be live. */
const LIVE_WAIT_MS = 2000;

/** What moderators do: committed first, then pushed to the open overlays. Every call names the creator, so nobody reaches another's. */
@Injectable()
export class ModerationService {
  private readonly logger = new Logger('creators');

  constructor(
    private readonly desk: ModerationDesk,
    private readonly ledger: TipLedger,
    private readonly relay: EventRelay,
  ) {}

  rules(creatorId: string): Promise<ModerationDocument> {
    return this.desk.rules(creatorId);
  }

  /** What waits to be screened need not wait for the sweep. */
  async setRules(creatorId: string, expected: ExpectedVersion, rules: ModerationRules): Promise<ModerationDocument> {
    const document = await this.desk.setRules(creatorId, expected, rules);
    await this.soon(async () => {
      if (await this.ledger.screen(creatorId)) await this.relay.drain(creatorId);
    });
    return document;
  }

  alerts(query: AlertQuery): Promise<AlertPage> {
    return this.desk.alerts(query);
  }

  approve(creatorId: string, tip: TipKey): Promise<ModeratedTip> {
    return this.andPublish(creatorId, this.desk.approve(creatorId, tip));
  }

  reject(creatorId: string, tip: TipKey): Promise<ModeratedTip> {
    return this.desk.reject(creatorId, tip);
  }

  hideMessage(creatorId: string, tip: TipKey): Promise<ModeratedTip> {
    return this.andPublish(creatorId, this.desk.hideMessage(creatorId, tip));
  }

  replay(creatorId: string, tip: TipKey): Promise<string> {
    return this.andPublish(creatorId, this.desk.replay(creatorId, tip));
  }

  queue(creatorId: string): Promise<AlertQueue> {
    return this.desk.queue(creatorId);
  }

  setQueue(creatorId: string, queue: AlertQueue): Promise<AlertQueue> {
    return this.andPublish(creatorId, this.desk.setQueue(creatorId, queue));
  }

  command(creatorId: string, action: 'skip' | 'clear'): Promise<string> {
    return this.andPublish(creatorId, this.desk.command(creatorId, action));
  }

  private async andPublish<T>(creatorId: string, change: Promise<T>): Promise<T> {
    const done = await change;
    await this.soon(() => this.relay.drain(creatorId));
    return done;
  }

  private async soon(work: () => Promise<void>): Promise<void> {
    await within(LIVE_WAIT_MS, 'publishing a change', work()).catch((error: unknown) => {
      this.logger.warn('publish.slow', errorFields(error));
    });
  }
}
