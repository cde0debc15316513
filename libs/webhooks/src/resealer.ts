import { Injectable, Logger } from '@nestjs/common';
import { WebhookOutbox, type SealedSecrets } from '@droppio/tips';
import { SecretBox } from './secret-box.js';

const PAGE = 200;

/** After keys were rotated: seals every secret with the newest one, so that the old ones may be taken out of the settings. */
@Injectable()
export class Resealer {
  private readonly log = new Logger('webhooks');

  constructor(
    private readonly outbox: WebhookOutbox,
    private readonly box: SecretBox,
  ) {}

  async reseal(signal: AbortSignal): Promise<void> {
    let [resealed, unreadable] = [0, 0];
    for (let after: string | undefined; !signal.aborted;) {
      const page = await this.outbox.sealedOtherwise(this.box.newestId, after, PAGE);
      for (const found of page) {
        const anew = this.anew(found);
        if (anew === undefined) unreadable += 1;
        else {
          await this.outbox.reseal(found, anew);
          resealed += 1;
        }
      }
      after = page.at(-1)?.webhookId;
      if (after === undefined) break;
    }
    if (resealed > 0) this.log.log('secrets.resealed', { resealed });
    // Their key is in the settings no more: nothing can be signed for them until their owners rotate.
    if (unreadable > 0) this.log.error('secrets.unreadable', { unreadable });
  }

  private anew({ webhookId, secret, oldSecret }: SealedSecrets): SealedSecrets | undefined {
    const opened = this.box.open(secret, webhookId);
    if (opened === undefined) return undefined;
    const old = oldSecret === undefined ? undefined : this.box.open(oldSecret, webhookId);
    return {
      webhookId,
      secret: this.box.seal(opened, webhookId),
      ...(oldSecret === undefined ? {} : { oldSecret: old === undefined ? oldSecret : this.box.seal(old, webhookId) }),
    };
  }
}
