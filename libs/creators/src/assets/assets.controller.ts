import { Controller, Delete, Get, Headers, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AssetStore, type Creator } from '@droppio/tips';
import type { Response } from 'express';
import { Me } from '../access/access.js';
import { CreatorsOptions } from '../creators-options.js';
import { RawBody, RawBytes } from '../edge/raw-body.js';
import { Budgeted } from '../edge/rates/rate-limits.js';
import {
  assetDetailView,
  AssetDetailView,
  assetIdField,
  assetPage,
  AssetPage,
  AssetsQuery,
  assetView,
  AssetView,
  RemoveQuery,
  UploadQuery,
} from './asset.schema.js';
import { AssetsService } from './assets.service.js';
import { DECLARED_TYPES } from './sniff.js';

/** A creator's own images and sounds. */
@ApiTags('assets')
@Controller('v1/assets')
export class AssetsController {
  constructor(
    private readonly assets: AssetsService,
    private readonly store: AssetStore,
    private readonly options: CreatorsOptions,
  ) {}

  @Post()
  @RawBody()
  @Budgeted('upload')
  @ApiConsumes(...DECLARED_TYPES)
  @ApiBody({
    schema: { type: 'string', format: 'binary' },
    description: 'The file as it is: images up to 1 MB, sounds up to 2 MB and 30 s.',
  })
  @ApiOperation({
    summary: 'Upload an image or a sound',
    description:
      'PNG, JPEG, WebP and GIF are made WebP, without metadata; one that moves may not flash more than three times a second. WAV, MP3 and Ogg ' +
      '(Opus, Vorbis) are read through and stored as they are. What the bytes are decides, not their name.',
    operationId: 'uploadAsset',
  })
  @ApiCreatedResponse({ standardSchema: AssetView, description: 'The new asset.' })
  @ApiOkResponse({ standardSchema: AssetView, description: 'The same file was uploaded before; this is what became of it.' })
  async upload(
    @Me() me: Creator,
    @RawBytes() bytes: Buffer,
    @Headers('content-type') declared: string | undefined,
    @Query({ schema: UploadQuery }) { name = '' }: UploadQuery,
    @Res({ passthrough: true }) response: Response,
  ): Promise<AssetView> {
    const { asset, isNew } = await this.assets.upload({ creatorId: me.id, bytes, declared: declared ?? '', name });
    response.status(isNew ? 201 : 200);
    return assetView(asset, this.options.pageUrl);
  }

  @Get()
  @ApiOperation({ summary: 'My images and sounds, newest first', operationId: 'listAssets' })
  @ApiOkResponse({ standardSchema: AssetPage, description: 'One page.' })
  async list(@Me() me: Creator, @Query({ schema: AssetsQuery }) { limit, cursor }: AssetsQuery): Promise<AssetPage> {
    const [page, used] = await Promise.all([this.store.assets(me.id, limit, cursor), this.assets.usage(me.id)]);
    return assetPage(page, { used, most: this.options.quota }, this.options.pageUrl);
  }

  @Get(':id')
  @ApiOperation({ summary: 'One of them, and the overlays that use it', operationId: 'getAsset' })
  @ApiOkResponse({ standardSchema: AssetDetailView, description: 'The asset.' })
  async get(@Me() me: Creator, @Param('id', { schema: assetIdField }) id: string): Promise<AssetDetailView> {
    const { asset, uses } = await this.assets.get(me.id, id);
    return assetDetailView(asset, uses, this.options.pageUrl);
  }

  @Delete(':id')
  @Budgeted('settings')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove one; 409 while overlays use it, unless that is meant', operationId: 'removeAsset' })
  @ApiNoContentResponse({ description: 'It is gone. Pages that have it may show it until they are loaded anew.' })
  async remove(
    @Me() me: Creator,
    @Param('id', { schema: assetIdField }) id: string,
    @Query({ schema: RemoveQuery }) { force }: RemoveQuery,
  ): Promise<void> {
    await this.assets.remove(me.id, id, force === 'true');
  }
}
