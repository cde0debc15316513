import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CreatorWallets, type Creator, type Hex, type Session } from '@droppio/tips';
import * as z from 'zod';
import { Me, MySession, Scope } from '../access/access.js';
import { addWalletStatement } from '../access/sign-in-message.js';
import { walletProof } from '../access/sign-in.schema.js';
import { WalletProof } from '../access/wallet-proof.js';
import { addressField } from '../edge/fields.js';
import { Budgeted } from '../edge/rates/rate-limits.js';
import { WalletList, WalletNonceView, walletView, WalletView } from './creator.schema.js';

const NewWalletBody = z.strictObject(walletProof);
type NewWalletBody = z.output<typeof NewWalletBody>;

/** The wallets whose tips are a creator's. Each has signed for that itself, in words that can sign nobody in. */
@ApiTags('creators')
@Controller('v1/me/wallets')
export class WalletsController {
  constructor(
    private readonly wallets: CreatorWallets,
    private readonly proof: WalletProof,
  ) {}

  @Get()
  @ApiOperation({ summary: 'My wallets', operationId: 'listWallets' })
  @ApiOkResponse({ standardSchema: WalletList, description: 'Between one and twenty, oldest first.' })
  async list(@Me() me: Creator): Promise<z.output<typeof WalletList>> {
    return { data: (await this.wallets.of(me.id)).map(walletView) };
  }

  @Post('nonce')
  @Budgeted('signIn')
  @Scope('account')
  @ApiOperation({
    summary: 'A nonce and a statement to add a wallet with, good once, for five minutes and for me',
    operationId: 'createWalletNonce',
  })
  @ApiCreatedResponse({ standardSchema: WalletNonceView, description: 'Both go into an EIP-4361 message that the new wallet signs.' })
  nonce(@Me() me: Creator): z.output<typeof WalletNonceView> {
    const statement = addWalletStatement(me);
    const { nonce, expiresAt } = this.proof.newNonce(statement);
    return { nonce, statement, expiresAt: expiresAt.toISOString() };
  }

  @Post()
  @Budgeted('signIn')
  @Scope('account')
  @ApiOperation({
    summary: 'Add a wallet by its own signature; its tips are mine from then on, and its past ones in my history',
    operationId: 'addWallet',
  })
  @ApiCreatedResponse({ standardSchema: WalletView, description: 'It is mine.' })
  async add(@Me() me: Creator, @Body({ schema: NewWalletBody }) { message, signature }: NewWalletBody): Promise<WalletView> {
    const { address, provenOn } = await this.proof.walletOf(message, signature, addWalletStatement(me));
    return walletView(await this.wallets.add(me.id, address, provenOn));
  }

  @Delete(':address')
  @Scope('account')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Remove a wallet: its tips leave my history and totals, nobody signs in with it, and my other browsers are signed out',
    description: 'Tips are on the chain and are kept; whoever adds the wallet again, here or elsewhere, has them. The last wallet stays.',
    operationId: 'removeWallet',
  })
  @ApiNoContentResponse({ description: 'It is gone.' })
  async remove(
    @Me() me: Creator,
    @MySession() session: Session | undefined,
    @Param('address', { schema: addressField }) address: Hex,
  ): Promise<void> {
    await this.wallets.remove(me.id, address, session?.id);
  }
}
