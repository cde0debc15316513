import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import {
  WebhookDesk,
  WebhookQueue,
  WebhookRefused,
  WebhookStore,
  type ExpectedVersion,
  type WantedWebhook,
  type Webhook,
  type WebhookChange,
  type WebhookDelivery,
  type WebhookSecret,
} from '@droppio/tips';
import { newSecret, SecretBox, secretText } from './secret-box.js';
import { TargetGuard } from './target-guard.js';
import { WEBHOOK_SETTINGS, type WebhookSettings } from './webhook-settings.js';

/** What owners ask for, checked and sealed before it is stored; then whoever works the queue is told. */
@Injectable()
export class WebhookOffice extends WebhookDesk {
  private readonly log = new Logger('webhooks');

  constructor(
    private readonly store: WebhookStore,
    private readonly guard: TargetGuard,
    private readonly box: SecretBox,
    private readonly queue: WebhookQueue,
    @Inject(WEBHOOK_SETTINGS) private readonly settings: WebhookSettings,
  ) {
    super();
  }

  override async create(creatorId: string, { url, description, types }: WantedWebhook): Promise<WebhookSecret> {
    const checked = await this.checked(url);
    const [id, secret] = [randomUUID(), newSecret()];
    const given = { id, creatorId, url: checked, description, types, secret: this.box.seal(secret, id) };
    return { webhook: await this.store.create(given), secret: secretText(secret) };
  }

  override async change(creatorId: string, id: string, expected: ExpectedVersion, change: WebhookChange): Promise<Webhook> {
    const checked = change.url === undefined ? {} : { url: await this.checked(change.url) };
    const webhook = await this.store.change(creatorId, id, expected, { ...change, ...checked });
    if (change.enabled === true) await this.ask('plan', creatorId);
    await this.ask('deliver', id);
    return webhook;
  }

  override async rotateSecret(creatorId: string, id: string): Promise<WebhookSecret> {
    const secret = newSecret();
    const webhook = await this.store.rotate(creatorId, id, this.box.seal(secret, id), this.settings.oldSecretMs);
    return { webhook, secret: secretText(secret) };
  }

  override async trial(creatorId: string, id: string): Promise<WebhookDelivery> {
    const delivery = await this.store.trial(creatorId, id);
    await this.ask('deliver', id);
    return delivery;
  }

  override async redeliver(creatorId: string, webhookId: string, deliveryId: string): Promise<WebhookDelivery> {
    const delivery = await this.store.redeliver(creatorId, webhookId, deliveryId);
    await this.ask('deliver', webhookId);
    return delivery;
  }

  /** As it is stored: the parser's own spelling, so that what was checked is what is sent to. */
  private async checked(url: string): Promise<string> {
    const target = await this.guard.check(url);
    if (target.kind === 'refusal') throw new WebhookRefused(target.why);
    return target.url.href;
  }

  private async ask(task: 'plan' | 'deliver', id: string): Promise<void> {
    await this.queue.nudge({ task, id }).catch((error: unknown) => {
      // The sweep finds it.
      this.log.debug('nudge.failed', errorFields(error));
    });
  }
}
