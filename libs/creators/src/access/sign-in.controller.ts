import { Body, Controller, Delete, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CreatorDirectory, NotFound, type Creator, type Session } from '@droppio/tips';
import type { Request, Response } from 'express';
import type * as z from 'zod';
import { Me, MySession, Public, rememberCaller, Scope } from './access.js';
import { creatorView, CreatorView } from '../profile/creator.schema.js';
import { CreatorsOptions } from '../creators-options.js';
import { Forbidden } from '../errors.js';
import { Budgeted } from '../edge/rates/rate-limits.js';
import { idField } from '../edge/fields.js';
import { Sessions } from './sessions.js';
import { NonceView, SessionList, sessionView, SignInBody } from './sign-in.schema.js';
import { WalletProof, type ProvenWallet } from './wallet-proof.js';

@ApiTags('sign-in')
@Controller('v1/auth')
export class SignInController {
  constructor(
    private readonly proof: WalletProof,
    private readonly directory: CreatorDirectory,
    private readonly sessions: Sessions,
    private readonly options: CreatorsOptions,
  ) {}

  @Post('siwe/nonce')
  @Budgeted('signIn')
  @Public()
  @ApiOperation({ summary: 'A nonce to sign in with, good once and for five minutes', operationId: 'createSignInNonce' })
  @ApiCreatedResponse({ standardSchema: NonceView, description: 'Goes into the EIP-4361 message.' })
  nonce(): z.output<typeof NonceView> {
    const { nonce, expiresAt } = this.proof.newNonce();
    return { nonce, expiresAt: expiresAt.toISOString() };
  }

  @Post('siwe/verify')
  @Budgeted('signIn')
  @HttpCode(200)
  @Public()
  @ApiOperation({ summary: 'Sign in with a wallet (EIP-4361)', operationId: 'signIn' })
  @ApiOkResponse({ standardSchema: CreatorView, description: 'Signed in: the answer sets the session’s cookie.' })
  async verify(
    @Body({ schema: SignInBody }) body: SignInBody,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<CreatorView> {
    const origin = request.get('origin');
    // Somebody else's page must not sign its visitor in as somebody.
    if (origin !== undefined && !this.options.signIn.origins.includes(origin)) throw new Forbidden('Not from this site.');
    const wallet = await this.proof.walletOf(body.message, body.signature);
    const creator = (await this.directory.creatorByWallet(wallet.address)) ?? (await this.signUp(wallet, body.signUp));
    // For the audit log: nobody had been asked yet who this is.
    rememberCaller(request, { role: 'creator', creator, scopes: [] });
    response.setHeader('Set-Cookie', await this.sessions.open(creator.id, wallet, request.get('user-agent') ?? 'unknown'));
    return creatorView(creator);
  }

  @Delete('session')
  @Scope('read')
  @HttpCode(204)
  @ApiOperation({ summary: 'Sign out of this browser', operationId: 'signOut' })
  @ApiNoContentResponse({ description: 'Signed out.' })
  async signOut(
    @Me() me: Creator,
    @MySession() session: Session | undefined,
    @Res({ passthrough: true }) response: Response,
  ): Promise<void> {
    if (session !== undefined) await this.sessions.end(me.id, session.id);
    response.setHeader('Set-Cookie', this.sessions.forget);
  }

  @Get('sessions')
  @Scope('account', { fresh: false })
  @ApiOperation({ summary: 'Where I am signed in', operationId: 'listSessions' })
  @ApiOkResponse({ standardSchema: SessionList, description: 'At most 20, newest first.' })
  async list(@Me() me: Creator, @MySession() session: Session | undefined): Promise<z.output<typeof SessionList>> {
    return { data: (await this.sessions.list(me.id)).map((each) => sessionView(each, session?.id)) };
  }

  @Delete('sessions/:id')
  @Scope('account')
  @HttpCode(204)
  @ApiOperation({ summary: 'Sign out of one of them, at once', operationId: 'endSession' })
  @ApiNoContentResponse({ description: 'It has ended.' })
  async end(@Me() me: Creator, @Param('id', { schema: idField }) id: string): Promise<void> {
    if (!(await this.sessions.end(me.id, id))) throw new NotFound('There is no such session.');
  }

  private signUp({ address, ...proof }: ProvenWallet, wanted: SignInBody['signUp']): Promise<Creator> {
    if (wanted === undefined) throw new NotFound('No creator has this wallet.');
    if (!this.options.signIn.isSignUpOpen) throw new Forbidden('Creators are registered by the operator here.');
    return this.directory.createCreator({ ...wanted, wallets: [address], ...proof });
  }
}
