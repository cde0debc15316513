import { DroppioError } from '@droppio/tips';

/** The feed knows nothing of a creator and nobody has rebuilt it yet: overlays wait and come back. */
export class FeedMissing extends DroppioError {
  readonly code = 'feed-missing';
  readonly retryable = true;
}
