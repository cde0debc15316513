import { Body, Controller, Get, Patch, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CreatorDirectory, type Creator } from '@droppio/tips';
import { AllowOnly, Me } from '../access/access.js';
import { hashAccessToken, newAccessToken } from '../access/access-token.js';
import { CreatorChangeBody, creatorView, CreatorView, NewCreatorBody, NewCreatorView } from './creator.schema.js';

@ApiTags('creators')
@Controller('v1')
export class CreatorsController {
  constructor(private readonly directory: CreatorDirectory) {}

  @Post('creators')
  @AllowOnly('operator')
  @ApiOperation({ summary: 'Register a creator (the operator’s way in)', operationId: 'createCreator' })
  @ApiCreatedResponse({ standardSchema: NewCreatorView, description: 'The creator and its access token, shown this once.' })
  async create(@Body({ schema: NewCreatorBody }) body: NewCreatorBody): Promise<NewCreatorView> {
    const accessToken = newAccessToken();
    const creator = await this.directory.createCreator({ ...body, accessTokenHash: hashAccessToken(accessToken) });
    return { creator: creatorView(creator), accessToken };
  }

  @Get('me')
  @ApiOperation({ summary: 'Who am I', operationId: 'getMe' })
  @ApiOkResponse({ standardSchema: CreatorView, description: 'The creator behind the credentials.' })
  me(@Me() creator: Creator): CreatorView {
    return creatorView(creator);
  }

  @Patch('me')
  @ApiOperation({ summary: 'Change my name, or how settled a tip must be before it plays', operationId: 'changeMe' })
  @ApiOkResponse({ standardSchema: CreatorView, description: 'The creator as it is now.' })
  async change(
    @Me() { id }: Creator,
    @Body({ schema: CreatorChangeBody }) { displayName, alertAfter }: CreatorChangeBody,
  ): Promise<CreatorView> {
    const change = { ...(displayName === undefined ? {} : { displayName }), ...(alertAfter === undefined ? {} : { alertAfter }) };
    return creatorView(await this.directory.changeCreator(id, change));
  }
}
