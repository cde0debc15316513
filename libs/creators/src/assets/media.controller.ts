import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ASSET_TYPES, AssetStore, NotFound, type AssetFile } from '@droppio/tips';
import type { Request, Response } from 'express';
import { Public } from '../access/access.js';
import { addressOf, Budgeted } from '../edge/rates/rate-limits.js';
import { mediaIdField } from './asset.schema.js';
import { MediaTurns } from './media-turns.js';

const READ_WITHIN_MS = 60_000;

/**
 * Files for overlay pages, beside the page and so of its origin. Open to whoever knows an id, like the page: nothing secret is in the address
 * but the id. A file is data, whatever a browser is told to do with it: no script, no frame, no other site's page.
 */
@ApiTags('assets')
@Controller('overlay/media')
export class MediaController {
  constructor(
    private readonly store: AssetStore,
    private readonly turns: MediaTurns,
  ) {}

  @Get(':id')
  @Public()
  @Budgeted('media')
  @ApiOperation({ summary: 'An image or a sound, as an overlay page fetches it', operationId: 'getMedia' })
  @ApiOkResponse({
    description: 'The file. It never changes: keep it.',
    content: Object.fromEntries(ASSET_TYPES.map((type) => [type, { schema: { type: 'string', format: 'binary' } }])),
  })
  async get(@Param('id', { schema: mediaIdField }) id: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const file = await this.store.file(id);
    if (file === undefined) throw new NotFound('There is no such file.');
    if (matches(request.get('If-None-Match'), id)) {
      describe(response, id, file).status(304).end();
    } else if (request.method === 'HEAD') {
      describe(response, id, file).setHeader('Content-Length', file.size).end();
    } else {
      await this.send(id, file, request, response);
    }
  }

  private async send(id: string, file: AssetFile, request: Request, response: Response): Promise<void> {
    const done = this.turns.take(addressOf(request), file.size);
    response.once('close', done);
    try {
      const bytes = response.closed ? undefined : await this.store.bytes(id);
      if (bytes === undefined) throw new NotFound('There is no such file.');
      // All of it, not each part: whoever reads a byte at a time holds all the bytes.
      const deadline = setTimeout(() => response.destroy(), READ_WITHIN_MS).unref();
      response.once('close', () => {
        clearTimeout(deadline);
      });
      describe(response, id, file).setHeader('Content-Length', bytes.length).end(bytes);
    } catch (error) {
      done();
      throw error;
    }
  }
}

function describe(response: Response, id: string, { type }: AssetFile): Response {
  return response
    .setHeader('Content-Type', type)
    .setHeader('Cache-Control', 'public, max-age=31536000, immutable')
    .setHeader('ETag', `"${id}"`)
    .setHeader('Content-Security-Policy', "default-src 'none'; sandbox")
    .setHeader('X-Content-Type-Options', 'nosniff')
    .setHeader('Cross-Origin-Resource-Policy', 'same-origin');
}

/** RFC 9110, 13.1.2: any of the tags will do, weak ones too. */
function matches(header: string | undefined, id: string): boolean {
  if (header === undefined) return false;
  return header
    .slice(0, 1024)
    .split(',')
    .some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === `"${id}"`);
}
