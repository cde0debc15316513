import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { within, type OverlayGrant } from '@droppio/tips';
import { FeedMissing } from './errors.js';
import type { FeedAccess } from './feed-access.js';
import type { FeedFollower } from './feed-follower.js';

const CATCH_UP_MS = 8000;

/** What is known of a creator's overlays: read once, kept up to date by the `config` events of the channel. */
export class GrantBook {
  private readonly log = new Logger('delivery');
  private readonly grants = new Map<string, OverlayGrant>();

  constructor(
    private readonly creatorId: string,
    private readonly feed: FeedAccess,
    private readonly follower: FeedFollower,
  ) {}

  known(overlayId: string): OverlayGrant | undefined {
    return this.grants.get(overlayId);
  }

  /** An older grant than the known one is a late word about the past. Returns the one that holds. */
  learn(grant: OverlayGrant): OverlayGrant {
    const known = this.grants.get(grant.overlayId);
    if (known !== undefined && known.version > grant.version) return known;
    this.grants.set(grant.overlayId, grant);
    return grant;
  }

  forget(): void {
    this.grants.clear();
  }

  /**
   * The grant behind a token that we signed. A token newer than the grant, or one for an overlay that the feed has not heard of, is newer
   * than the feed: look again, then have it restored. Throws `FeedMissing` while nothing can be said: never lets anybody in on a guess.
   */
  async find(overlayId: string, version: number): Promise<OverlayGrant | undefined> {
    let grant = this.known(overlayId) ?? (await this.read(overlayId));
    if (isSettled(grant, version)) return grant;
    await within(CATCH_UP_MS, 'catching up', this.follower.catchUp());
    grant = await this.read(overlayId);
    if (isSettled(grant, version)) return grant;
    await (grant === 'unknown' ? this.follower.restore() : this.follower.restoreOnClaim());
    grant = await this.read(overlayId);
    if (grant === 'unknown') throw new FeedMissing('The overlay cannot be looked up now.');
    if (grant !== undefined && grant.version < version) throw new FeedMissing('The token is newer than what is known of its overlay.');
    return grant;
  }

  /** Reads all known ones again, since words about them may have been missed. Never rejects: the next interruption tries again. */
  async refresh(tell: (overlayId: string, grant: OverlayGrant | undefined) => void): Promise<void> {
    await Promise.all(
      [...this.grants.keys()].map(async (overlayId) => {
        try {
          const grant = await this.read(overlayId);
          if (grant === 'unknown') return;
          if (grant === undefined) this.grants.delete(overlayId);
          tell(overlayId, grant);
        } catch (error) {
          this.log.warn('grant.refresh-failed', { overlayId, ...errorFields(error) });
        }
      }),
    );
  }

  private async read(overlayId: string): Promise<OverlayGrant | 'unknown' | undefined> {
    const grant = await this.feed.grant(this.creatorId, overlayId);
    return typeof grant === 'object' ? this.learn(grant) : grant;
  }
}

function isSettled(grant: OverlayGrant | 'unknown' | undefined, version: number): grant is OverlayGrant {
  return typeof grant === 'object' && grant.version >= version;
}
