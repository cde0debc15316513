import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { WebhookDesk, WebhookStore, type Creator } from '@droppio/tips';
import { Me, Scope } from '../access/access.js';
import { idField } from '../edge/fields.js';
import { Budgeted } from '../edge/rates/rate-limits.js';
import { DeliveriesQuery, deliveryPage, DeliveryPage, deliveryView, DeliveryView } from './webhook.schema.js';

@ApiTags('webhooks')
@Controller('v1/webhooks/:id')
export class DeliveriesController {
  constructor(
    private readonly store: WebhookStore,
    private readonly desk: WebhookDesk,
  ) {}

  @Post('test')
  @Budgeted('settings')
  @HttpCode(202)
  @ApiOperation({ summary: 'Send a trial to a webhook, at once; a disabled one gets it when it is enabled', operationId: 'testWebhook' })
  @ApiAcceptedResponse({ standardSchema: DeliveryView, description: 'On its way; the log of deliveries tells what became of it.' })
  async test(@Me() me: Creator, @Param('id', { schema: idField }) id: string): Promise<DeliveryView> {
    return deliveryView(await this.desk.trial(me.id, id));
  }

  @Get('deliveries')
  @Scope('account', { fresh: false })
  @ApiOperation({ summary: 'What was sent to a webhook and what became of it, newest first', operationId: 'listWebhookDeliveries' })
  @ApiOkResponse({ standardSchema: DeliveryPage, description: 'One page. Deliveries are kept for 30 days.' })
  async list(
    @Me() me: Creator,
    @Param('id', { schema: idField }) webhookId: string,
    @Query({ schema: DeliveriesQuery }) { limit, cursor, state }: DeliveriesQuery,
  ): Promise<DeliveryPage> {
    const place = { ...(cursor === undefined ? {} : { cursor }), ...(state === undefined ? {} : { state }) };
    return deliveryPage(await this.store.deliveries({ creatorId: me.id, webhookId, limit, ...place }));
  }

  @Post('deliveries/:deliveryId/redeliver')
  @Budgeted('settings')
  @HttpCode(202)
  @ApiOperation({ summary: 'Send one again, under the same `webhook-id`', operationId: 'redeliverWebhookDelivery' })
  @ApiAcceptedResponse({ standardSchema: DeliveryView, description: 'On its way, with all its attempts before it.' })
  async redeliver(
    @Me() me: Creator,
    @Param('id', { schema: idField }) webhookId: string,
    @Param('deliveryId', { schema: idField }) deliveryId: string,
  ): Promise<DeliveryView> {
    return deliveryView(await this.desk.redeliver(me.id, webhookId, deliveryId));
  }
}
