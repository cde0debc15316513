import { Injectable, Logger } from '@nestjs/common';
import { CloseCode } from '@droppio/protocol';
import { OverlayTokens, type OverlayClaim } from '@droppio/protocol/overlay-token';
import { errorFields } from '@droppio/platform';
import { within, type FeedPosition } from '@droppio/tips';
import { ChannelRegistry } from './channel-registry.js';
import type { CreatorChannel } from './creator-channel.js';
import { FeedMissing } from './errors.js';
import type { Credentials, OverlaySession } from './overlay-session.js';
import { RefusalLog } from './refusal-log.js';
import { SessionRoster } from './session-roster.js';

export const ADMISSION_MS = 20_000;
const TRIES = 3;

/** Lets sessions in: token, limits, grant, and then their place in the creator's channel. */
@Injectable()
export class Reception {
  private readonly log = new Logger('delivery');

  constructor(
    private readonly tokens: OverlayTokens,
    private readonly roster: SessionRoster,
    private readonly channels: ChannelRegistry,
    private readonly refusals: RefusalLog,
  ) {}

  async admit(session: OverlaySession, { token, cursor }: Credentials): Promise<void> {
    const claim = this.tokens.verify(token);
    if (claim === undefined) {
      this.refusals.badToken(session.network);
      session.close(CloseCode.badToken, 'bad token');
      return;
    }
    session.identify(claim);
    const silent = this.roster.recognise(session, claim.overlayId);
    if (silent === undefined) {
      this.refuse(session, claim.overlayId);
      return;
    }
    for (const peer of silent) peer.close(CloseCode.noPong, 'no pong');
    try {
      const visit = this.channels.visit(claim.creatorId, (channel) => this.seat(session, claim, channel, cursor));
      await within(ADMISSION_MS, 'admission', visit);
    } catch (error) {
      this.log.warn('session.not-admitted', { sid: session.sid, creatorId: claim.creatorId, ...errorFields(error) });
      session.close(CloseCode.overloaded, 'not available now', Math.round(2000 + Math.random() * 8000));
    }
  }

  /** Finally only where all the others have spoken lately. Streams that a bad network left behind must not end the one that takes their place. */
  private refuse(session: OverlaySession, overlayId: string): void {
    const why = 'too many sockets on this token';
    if (this.roster.hasStreams(overlayId)) session.close(CloseCode.overloaded, why, Math.round(30_000 + Math.random() * 30_000));
    else session.close(CloseCode.tooManySocketsOnToken, why);
  }

  private async seat(
    session: OverlaySession,
    claim: OverlayClaim,
    channel: CreatorChannel,
    cursor: FeedPosition | undefined,
  ): Promise<void> {
    session.sit(channel);
    // What is known of the overlay may become doubtful while the events are read; then it is looked up once more.
    for (let tries = 0; tries < TRIES && session.isOpen && !session.isLive; tries += 1) {
      const grant = await channel.grants.find(claim.overlayId, claim.version);
      if (grant === undefined) session.close(CloseCode.badToken, 'no such overlay');
      else if (session.heed(grant)) await channel.join(session, claim.overlayId, cursor);
    }
    if (session.isOpen && !session.isLive) throw new FeedMissing('The overlay cannot be looked up now.');
  }
}
