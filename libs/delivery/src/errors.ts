import { BrokerUnavailable, DroppioError } from '@droppio/tips';

/** The feed knows nothing of a creator and nobody has rebuilt it yet: overlays wait and come back. */
export class FeedMissing extends DroppioError {
  readonly code = 'feed-missing';
  readonly retryable = true;
}

/** The feed did not answer lately, so it was not asked. */
export class FeedAway extends BrokerUnavailable {}
