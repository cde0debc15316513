import { Body, Controller, Get, HttpCode, Param, Post, Put, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AssetStore, type Creator, type ExpectedVersion, type Overlay, type OverlayConfig } from '@droppio/tips';
import { OverlayConfigDocument } from '@droppio/tips/overlay-schema';
import type { Response } from 'express';
import type * as z from 'zod';
import { Me, Scope } from '../access/access.js';
import { ApiIfMatch, entityTag, IfMatch } from '../edge/etag.js';
import { idField } from '../edge/fields.js';
import { Repeatable } from '../edge/idempotency/repeatable.js';
import { Budgeted } from '../edge/rates/rate-limits.js';
import { warningsOf } from './config-warnings.js';
import { namedAssets } from './named-assets.js';
import { ConfigCheckView, OverlayConfigView } from './overlay.schema.js';
import { OverlaysService } from './overlays.service.js';

/** How an overlay looks and behaves: one document, replaced whole by whoever has read it. */
@ApiTags('overlays')
@Controller('v1/overlays/:id/config')
export class OverlayConfigController {
  constructor(
    private readonly overlays: OverlaysService,
    private readonly assets: AssetStore,
  ) {}

  @Get()
  @ApiOperation({ summary: 'How the overlay looks and behaves', operationId: 'getOverlayConfig' })
  @ApiOkResponse({ standardSchema: OverlayConfigView, description: 'The whole document. Its ETag goes into the If-Match of a change.' })
  async read(
    @Me() me: Creator,
    @Param('id', { schema: idField }) id: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<OverlayConfig> {
    return answer(await this.overlays.get(me.id, id), response);
  }

  @Put()
  @Budgeted('settings')
  @ApiIfMatch()
  @ApiOperation({ summary: 'Replace it; open pages follow with their next alert', operationId: 'replaceOverlayConfig' })
  @ApiOkResponse({ standardSchema: OverlayConfigView, description: 'The document as it is now, with its new ETag.' })
  async replace(
    @Me() me: Creator,
    @Param('id', { schema: idField }) id: string,
    @IfMatch() expected: ExpectedVersion,
    @Body({ schema: OverlayConfigDocument }) config: OverlayConfig,
    @Res({ passthrough: true }) response: Response,
  ): Promise<OverlayConfig> {
    return answer(await this.overlays.configure(me.id, id, config, expected), response);
  }

  @Post('validate')
  @Repeatable()
  @HttpCode(200)
  @Scope('read')
  @ApiOperation({ summary: 'Try a document without saving it', operationId: 'validateOverlayConfig' })
  @ApiOkResponse({ standardSchema: ConfigCheckView, description: 'It would be accepted; the warnings say what is probably not meant.' })
  async validate(
    @Me() me: Creator,
    @Param('id', { schema: idField }) id: string,
    @Body({ schema: OverlayConfigDocument }) config: z.output<typeof OverlayConfigDocument>,
  ): Promise<z.output<typeof ConfigCheckView>> {
    await this.overlays.get(me.id, id);
    const named = namedAssets(config).map(({ id }) => id);
    return { config, warnings: [...warningsOf(config, await this.assets.kinds(me.id, named))] };
  }
}

function answer({ config, configVersion }: Overlay, response: Response): OverlayConfig {
  response.setHeader('ETag', entityTag(configVersion));
  return config;
}
