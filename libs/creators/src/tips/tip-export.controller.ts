import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Creator } from '@droppio/tips';
import type { Request, Response } from 'express';
import * as z from 'zod';
import { Me } from '../access/access.js';
import { checkFilter, filterOf, filterQuery } from './tip-filter.schema.js';
import { CSV_HEADERS, TipExports } from './tip-exports.js';

export const ExportQuery = z
  .strictObject({
    ...filterQuery,
    bom: z
      .enum(['true', 'false'])
      .default('false')
      .meta({ description: 'Begin with a byte order mark, without which Excel takes UTF-8 for something else.' }),
  })
  .superRefine(checkFilter);
export type ExportQuery = z.output<typeof ExportQuery>;

@ApiTags('tips')
@Controller('v1/tips.csv')
export class TipExportController {
  constructor(private readonly exports: TipExports) {}

  @Get()
  @ApiOperation({
    summary: 'My tips as CSV, newest first',
    description:
      'RFC 4180 with a header row, every cell in quotes. A text that a spreadsheet might run as a formula has an apostrophe before it. One export at a ' +
      'time. When something fails half way the connection is reset: an answer that ends properly is whole.',
    operationId: 'exportTips',
  })
  @ApiProduces('text/csv')
  @ApiResponse({ status: 200, description: 'The file.', content: { 'text/csv': { schema: { type: 'string' } } } })
  async export(
    @Me() me: Creator,
    @Query({ schema: ExportQuery }) { bom, ...asked }: ExportQuery,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    if (request.method === 'HEAD') {
      response.set(CSV_HEADERS).end();
      return;
    }
    await this.exports.send({ creatorId: me.id, filter: filterOf(asked), bom: bom === 'true' }, response);
  }
}
