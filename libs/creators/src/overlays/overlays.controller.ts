import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBody,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { Creator, OverlayChange } from '@droppio/tips';
import type * as z from 'zod';
import { Me, Scope } from '../access/access.js';
import { Audited } from '../account/audited.js';
import { AnswersSecret } from '../edge/idempotency/answers-secret.js';
import { Budgeted } from '../edge/rates/rate-limits.js';
import { idField } from '../edge/fields.js';
import { OverlayLinks } from './overlay-links.js';
import {
  CommandView,
  NewOverlayBody,
  OverlayChangeBody,
  OverlayList,
  OverlayUrlView,
  overlayView,
  OverlayView,
  TestAlertBody,
  TestAlertView,
} from './overlay.schema.js';
import { OverlaysService } from './overlays.service.js';

@ApiTags('overlays')
@Controller('v1/overlays')
export class OverlaysController {
  constructor(
    private readonly overlays: OverlaysService,
    private readonly links: OverlayLinks,
  ) {}

  @Post()
  @Budgeted('settings')
  @ApiOperation({ summary: 'Create an overlay', operationId: 'createOverlay' })
  @ApiCreatedResponse({ standardSchema: OverlayView, description: 'The new overlay.' })
  async create(@Me() me: Creator, @Body({ schema: NewOverlayBody }) body: NewOverlayBody): Promise<OverlayView> {
    return overlayView(await this.overlays.create(me.id, body));
  }

  @Get()
  @ApiOperation({ summary: 'My overlays', operationId: 'listOverlays' })
  @ApiOkResponse({ standardSchema: OverlayList, description: 'All of them: a creator has at most 100.' })
  async list(@Me() me: Creator): Promise<z.output<typeof OverlayList>> {
    return { data: (await this.overlays.list(me.id)).map(overlayView) };
  }

  @Get(':id')
  @ApiOperation({ summary: 'One overlay', operationId: 'getOverlay' })
  @ApiOkResponse({ standardSchema: OverlayView, description: 'The overlay.' })
  async get(@Me() me: Creator, @Param('id', { schema: idField }) id: string): Promise<OverlayView> {
    return overlayView(await this.overlays.get(me.id, id));
  }

  @Patch(':id')
  @Budgeted('settings')
  @ApiOperation({
    summary: 'Rename, enable or disable an overlay; open pages of a disabled one are closed at once',
    operationId: 'changeOverlay',
  })
  @ApiOkResponse({ standardSchema: OverlayView, description: 'The overlay as it is now.' })
  async change(
    @Me() me: Creator,
    @Param('id', { schema: idField }) id: string,
    @Body({ schema: OverlayChangeBody }) body: OverlayChangeBody,
  ): Promise<OverlayView> {
    const change: OverlayChange = {
      ...(body.name === undefined ? {} : { name: body.name }),
      ...(body.enabled === undefined ? {} : { enabled: body.enabled }),
    };
    return overlayView(await this.overlays.change(me.id, id, change));
  }

  @Delete(':id')
  @Budgeted('settings')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove an overlay; its addresses stop working, its open pages are closed', operationId: 'removeOverlay' })
  @ApiNoContentResponse({ description: 'It is gone.' })
  async remove(@Me() me: Creator, @Param('id', { schema: idField }) id: string): Promise<void> {
    await this.overlays.remove(me.id, id);
  }

  @Get(':id/url')
  @Scope('account')
  @Audited()
  @ApiOperation({ summary: 'The secret addresses that open an overlay', operationId: 'getOverlayUrl' })
  @ApiOkResponse({ standardSchema: OverlayUrlView, description: 'The addresses. They work until the token is rotated.' })
  async url(@Me() me: Creator, @Param('id', { schema: idField }) id: string): Promise<OverlayUrlView> {
    return this.links.urlsOf(await this.overlays.get(me.id, id));
  }

  @Post(':id/token/rotate')
  @Budgeted('settings')
  @AnswersSecret()
  @Scope('account')
  @HttpCode(200)
  @ApiOperation({
    summary: 'New addresses; the old ones stop working at once, open pages with them are closed',
    operationId: 'rotateOverlayToken',
  })
  @ApiOkResponse({ standardSchema: OverlayUrlView, description: 'The new addresses.' })
  async rotate(@Me() me: Creator, @Param('id', { schema: idField }) id: string): Promise<OverlayUrlView> {
    return this.links.urlsOf(await this.overlays.change(me.id, id, { rotate: true }));
  }

  @Post(':id/reload')
  @Budgeted('settings')
  @HttpCode(202)
  @ApiOperation({ summary: 'Have the open pages load themselves anew when nothing is on the screen', operationId: 'reloadOverlay' })
  @ApiAcceptedResponse({ standardSchema: CommandView, description: 'On its way to the open pages.' })
  async reload(@Me() me: Creator, @Param('id', { schema: idField }) id: string): Promise<z.output<typeof CommandView>> {
    return { id: await this.overlays.command(me.id, id, 'reload') };
  }

  @Post(':id/test')
  @Budgeted('testAlert')
  @HttpCode(202)
  @ApiOperation({ summary: 'Show a test alert, marked as one and never counted', operationId: 'sendTestAlert' })
  @ApiBody({ required: false })
  @ApiAcceptedResponse({ standardSchema: TestAlertView, description: 'On its way to the open pages.' })
  async test(
    @Me() me: Creator,
    @Param('id', { schema: idField }) id: string,
    @Body({ schema: TestAlertBody }) body: TestAlertBody,
  ): Promise<z.output<typeof TestAlertView>> {
    return { id: await this.overlays.testAlert(me, id, body) };
  }
}
