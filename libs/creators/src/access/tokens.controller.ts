import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Creator } from '@droppio/tips';
import type * as z from 'zod';
import { AnswersSecret } from '../edge/idempotency/answers-secret.js';
import { idField } from '../edge/fields.js';
import { Me, Myself, Scope, type CreatorCaller } from './access.js';
import { NewTokenBody, NewTokenView, TokenList, tokenView } from './token.schema.js';
import { TokensService } from './tokens.service.js';

@ApiTags('tokens')
@Controller('v1/tokens')
export class TokensController {
  constructor(private readonly tokens: TokensService) {}

  @Get()
  @Scope('account', { fresh: false })
  @ApiOperation({ summary: 'My access tokens, without their secrets', operationId: 'listTokens' })
  @ApiOkResponse({ standardSchema: TokenList, description: 'Those that work, at most 50, newest first.' })
  async list(@Me() me: Creator): Promise<z.output<typeof TokenList>> {
    return { data: (await this.tokens.list(me)).map(tokenView) };
  }

  @Post()
  @AnswersSecret()
  @Scope('account')
  @ApiOperation({
    summary: 'Make an access token; none with a scope that the caller lacks, or that outlives it',
    operationId: 'createToken',
  })
  @ApiCreatedResponse({ standardSchema: NewTokenView, description: 'The token and its secret, shown this once.' })
  async create(
    @Myself() caller: CreatorCaller,
    @Body({ schema: NewTokenBody }) body: NewTokenBody,
  ): Promise<z.output<typeof NewTokenView>> {
    const { token, secret } = await this.tokens.create(caller, body);
    return { token: tokenView(token), accessToken: secret };
  }

  @Delete(':id')
  @HttpCode(204)
  @Scope('account')
  @ApiOperation({ summary: 'Delete an access token: its next request is refused', operationId: 'deleteToken' })
  @ApiNoContentResponse({ description: 'It is gone.' })
  async remove(@Me() me: Creator, @Param('id', { schema: idField }) id: string): Promise<void> {
    await this.tokens.remove(me, id);
  }
}
