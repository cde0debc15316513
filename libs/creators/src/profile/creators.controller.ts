import { Body, Controller, Get, Param, Patch, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CreatorDirectory, NotFound, type Creator } from '@droppio/tips';
import { AllowOnly, Me, Public, Scope } from '../access/access.js';
import { hashAccessToken, newAccessToken } from '../access/access-token.js';
import {
  CreatorChangeBody,
  creatorView,
  CreatorView,
  handleField,
  NewCreatorBody,
  NewCreatorView,
  PublicCreatorView,
} from './creator.schema.js';

@ApiTags('creators')
@Controller('v1')
export class CreatorsController {
  constructor(private readonly directory: CreatorDirectory) {}

  @Post('creators')
  @AllowOnly('operator')
  @ApiOperation({
    summary: 'Register a creator (the operator’s way in)',
    description: 'Wallets of keys sign in at once; those that are contracts once the creator has added them by their own signature.',
    operationId: 'createCreator',
  })
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

  // Under the handle people find whom to pay, and whose is given up is anybody's.
  @Patch('me')
  @Scope('account')
  @ApiOperation({
    summary: 'Change my handle or name, who may look me up, or how settled a tip must be before it plays',
    operationId: 'changeMe',
  })
  @ApiOkResponse({ standardSchema: CreatorView, description: 'The creator as it is now.' })
  async change(
    @Me() { id }: Creator,
    @Body({ schema: CreatorChangeBody }) { handle, displayName, alertAfter, listed }: CreatorChangeBody,
  ): Promise<CreatorView> {
    const change = {
      ...(handle === undefined ? {} : { handle }),
      ...(displayName === undefined ? {} : { displayName }),
      ...(alertAfter === undefined ? {} : { alertAfter }),
      ...(listed === undefined ? {} : { listed }),
    };
    return creatorView(await this.directory.changeCreator(id, change));
  }

  @Get('public/creators/:handle')
  @Public()
  @ApiOperation({ summary: 'Who can be tipped under this handle', operationId: 'getPublicCreator' })
  @ApiOkResponse({
    standardSchema: PublicCreatorView,
    description: 'A creator who wants to be found. Of all others nothing is said, not even that they exist.',
  })
  async lookUp(@Param('handle', { schema: handleField }) handle: string): Promise<PublicCreatorView> {
    const creator = await this.directory.creatorByHandle(handle);
    if (creator?.listed !== true) throw new NotFound('There is no such creator.');
    const { displayName, wallets } = creator;
    return { handle, displayName, wallets: [...wallets] };
  }
}
