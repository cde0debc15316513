import { Injectable, Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import {
  cleanMessage,
  CreatorDirectory,
  EventRelay,
  NATIVE_TOKEN,
  NotFound,
  OverlayKeeper,
  within,
  type Creator,
  type ExpectedVersion,
  type Overlay,
  type OverlayChange,
  type OverlayConfig,
  type TipDisplay,
} from '@droppio/tips';
import type { NewOverlayBody, TestAlertBody } from './overlay.schema.js';

/** A change is committed by then; an answer need not wait longer for it to be live. */
const DRAIN_WAIT_MS = 2000;
const NOBODY = '0x0000000000000000000000000000000000000000';
const NOTHING = `0x${'00'.repeat(32)}` as const;

/** Changes to overlays: committed first, then pushed to the open ones. Every call names the creator, so nobody reaches another's. */
@Injectable()
export class OverlaysService {
  private readonly logger = new Logger('creators');

  constructor(
    private readonly directory: CreatorDirectory,
    private readonly keeper: OverlayKeeper,
    private readonly relay: EventRelay,
  ) {}

  async create(creatorId: string, { name, config }: NewOverlayBody): Promise<Overlay> {
    const overlay = await this.directory.createOverlay(creatorId, name, config);
    await this.publish(creatorId);
    return overlay;
  }

  list(creatorId: string): Promise<readonly Overlay[]> {
    return this.directory.overlays(creatorId);
  }

  async get(creatorId: string, overlayId: string): Promise<Overlay> {
    const overlay = await this.directory.overlay(creatorId, overlayId);
    if (overlay === undefined) throw new NotFound('No such overlay.');
    return overlay;
  }

  async change(creatorId: string, overlayId: string, change: OverlayChange): Promise<Overlay> {
    const overlay = await this.directory.changeOverlay(creatorId, overlayId, change);
    await this.publish(creatorId);
    return overlay;
  }

  async configure(creatorId: string, overlayId: string, config: OverlayConfig, expected: ExpectedVersion): Promise<Overlay> {
    const overlay = await this.keeper.configure(creatorId, overlayId, config, expected);
    await this.publish(creatorId);
    return overlay;
  }

  async remove(creatorId: string, overlayId: string): Promise<void> {
    await this.keeper.remove(creatorId, overlayId);
    await this.publish(creatorId);
  }

  async command(creatorId: string, overlayId: string, action: 'reload'): Promise<string> {
    const id = await this.keeper.command(creatorId, overlayId, action);
    await this.publish(creatorId);
    return id;
  }

  async testAlert(creator: Creator, overlayId: string, sample: TestAlertBody): Promise<string> {
    const id = await this.directory.testAlert(creator.id, overlayId, display(creator, sample));
    await this.publish(creator.id);
    return id;
  }

  private async publish(creatorId: string): Promise<void> {
    await within(DRAIN_WAIT_MS, 'publishing a change', this.relay.drain(creatorId)).catch((error: unknown) => {
      this.logger.warn('publish.slow', errorFields(error));
    });
  }
}

/** Shaped like a tip, but with a transaction that cannot exist. */
function display(creator: Creator, { name, message, amount }: TestAlertBody): TipDisplay {
  return {
    tipId: `test-${NOTHING}-0`,
    name,
    from: creator.wallets[0] ?? NOBODY,
    amount: { ...amount, chainId: 1, token: NATIVE_TOKEN },
    message: cleanMessage(message),
    ref: NOTHING,
    txHash: NOTHING,
  };
}
