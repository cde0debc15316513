import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { NotFound, WebhookDesk, WebhookStore, type Creator, type ExpectedVersion, type Webhook, type WebhookChange } from '@droppio/tips';
import type { Response } from 'express';
import { Me, Scope } from '../access/access.js';
import { ApiIfMatch, entityTag, IfMatch } from '../edge/etag.js';
import { idField } from '../edge/fields.js';
import { AnswersSecret } from '../edge/idempotency/answers-secret.js';
import {
  NewWebhookBody,
  secretView,
  WebhookChangeBody,
  WebhookList,
  WebhookSecretView,
  webhookView,
  WebhookView,
} from './webhook.schema.js';

const tagged = (response: Response, { version }: Webhook): void => {
  response.setHeader('ETag', entityTag(version));
};

@ApiTags('webhooks')
@Controller('v1/webhooks')
export class WebhooksController {
  constructor(
    private readonly store: WebhookStore,
    private readonly desk: WebhookDesk,
  ) {}

  // Whoever says where events go reads all of them.
  @Post()
  @Scope('account')
  @AnswersSecret()
  @ApiOperation({ summary: 'Create a webhook; it hears of what happens from now on', operationId: 'createWebhook' })
  @ApiCreatedResponse({ standardSchema: WebhookSecretView, description: 'The webhook with its secret, which is shown this once.' })
  async create(
    @Me() me: Creator,
    @Body({ schema: NewWebhookBody }) body: NewWebhookBody,
    @Res({ passthrough: true }) response: Response,
  ): Promise<WebhookSecretView> {
    const made = await this.desk.create(me.id, body);
    tagged(response, made.webhook);
    return secretView(made);
  }

  // The path of an address is often all that opens what is behind it.
  @Get()
  @Scope('account', { fresh: false })
  @ApiOperation({ summary: 'My webhooks', operationId: 'listWebhooks' })
  @ApiOkResponse({ standardSchema: WebhookList, description: 'All of them: a creator has at most 10.' })
  async list(@Me() me: Creator): Promise<WebhookList> {
    return { data: (await this.store.webhooks(me.id)).map(webhookView) };
  }

  @Get(':id')
  @Scope('account', { fresh: false })
  @ApiOperation({ summary: 'One webhook', operationId: 'getWebhook' })
  @ApiOkResponse({ standardSchema: WebhookView, description: 'The webhook, without its secret.' })
  async get(
    @Me() me: Creator,
    @Param('id', { schema: idField }) id: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<WebhookView> {
    const webhook = await this.store.webhook(me.id, id);
    if (webhook === undefined) throw new NotFound('There is no such webhook.');
    tagged(response, webhook);
    return webhookView(webhook);
  }

  @Patch(':id')
  @Scope('account')
  @ApiIfMatch()
  @ApiOperation({ summary: 'Change, disable or enable a webhook', operationId: 'changeWebhook' })
  @ApiOkResponse({ standardSchema: WebhookView, description: 'The webhook as it is now.' })
  async change(
    @Me() me: Creator,
    @Param('id', { schema: idField }) id: string,
    @IfMatch() expected: ExpectedVersion,
    @Body({ schema: WebhookChangeBody }) body: WebhookChangeBody,
    @Res({ passthrough: true }) response: Response,
  ): Promise<WebhookView> {
    const webhook = await this.desk.change(me.id, id, expected, changeOf(body));
    tagged(response, webhook);
    return webhookView(webhook);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove a webhook, with the log of its deliveries', operationId: 'removeWebhook' })
  @ApiNoContentResponse({ description: 'Nothing is sent to it any more.' })
  async remove(@Me() me: Creator, @Param('id', { schema: idField }) id: string): Promise<void> {
    if (!(await this.store.remove(me.id, id))) throw new NotFound('There is no such webhook.');
  }

  @Post(':id/rotate-secret')
  @Scope('account')
  @AnswersSecret()
  @HttpCode(200)
  @ApiOperation({ summary: 'A new secret; for 24 hours both sign', operationId: 'rotateWebhookSecret' })
  @ApiOkResponse({ standardSchema: WebhookSecretView, description: 'The webhook with its new secret, which is shown this once.' })
  async rotate(
    @Me() me: Creator,
    @Param('id', { schema: idField }) id: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<WebhookSecretView> {
    const rotated = await this.desk.rotateSecret(me.id, id);
    tagged(response, rotated.webhook);
    return secretView(rotated);
  }
}

function changeOf({ url, description, types, enabled, resume }: WebhookChangeBody): WebhookChange {
  return {
    ...(url === undefined ? {} : { url }),
    ...(description === undefined ? {} : { description }),
    ...(types === undefined ? {} : { types }),
    ...(enabled === undefined ? {} : { enabled }),
    ...(resume === undefined ? {} : { resume }),
  };
}
