import { Body, Controller, Get, Put, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Creator, ExpectedVersion } from '@droppio/tips';
import type { Response } from 'express';
import { Me, Scope } from '../access/access.js';
import { ApiIfMatch, entityTag, IfMatch } from '../edge/etag.js';
import { ModerationDocument } from './moderation.schema.js';
import { ModerationService } from './moderation.service.js';

/** What a creator lets on the screen: one document, replaced whole by whoever has read it. */
@ApiTags('moderation')
@Controller('v1/moderation')
export class ModerationController {
  constructor(private readonly moderation: ModerationService) {}

  @Get()
  @ApiOperation({ summary: 'What may be shown', operationId: 'getModeration' })
  @ApiOkResponse({ standardSchema: ModerationDocument, description: 'The whole document. Its ETag goes into the If-Match of a change.' })
  async read(@Me() me: Creator, @Res({ passthrough: true }) response: Response): Promise<ModerationDocument> {
    return answer(await this.moderation.rules(me.id), response);
  }

  // It says what reaches moderators at all, and which tips count: the creator's settings.
  @Put()
  @Scope('write')
  @ApiIfMatch()
  @ApiOperation({ summary: 'Replace it; holds for every tip that is told from now on', operationId: 'replaceModeration' })
  @ApiOkResponse({ standardSchema: ModerationDocument, description: 'The document as it is now, with its new ETag.' })
  async replace(
    @Me() me: Creator,
    @IfMatch() expected: ExpectedVersion,
    @Body({ schema: ModerationDocument }) rules: ModerationDocument,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ModerationDocument> {
    return answer(await this.moderation.setRules(me.id, expected, rules), response);
  }
}

function answer({ version, rules }: Awaited<ReturnType<ModerationService['rules']>>, response: Response): ModerationDocument {
  response.setHeader('ETag', entityTag(version));
  return ModerationDocument.parse(rules);
}
