import { Redis } from 'ioredis';
import { ChannelSubscriber } from './channel-subscriber.js';
import { CommandLink } from './command-link.js';
import type { FeedMetrics, LinkMetrics } from './metrics.js';
import type { RedisConnections } from './redis-connections.js';
import { RedisTipFeed, signalReader, type SignalSource } from './redis-tip-feed.js';
import { SilenceProbe } from './silence-probe.js';

/** A subscriber that has no connection for this long is a fault; shorter is a reconnect. */
const DOWN_TOO_LONG_MS = 10_000;

/** A feed with connections of its own, which end with it. */
export function openRedisFeed(connections: RedisConnections, metrics: { feed: FeedMetrics; link: LinkMetrics }): RedisTipFeed {
  const own = connections.sibling();
  const link = new CommandLink(own.connect('commands'), metrics.link);
  return new RedisTipFeed({
    link,
    signals: plainSignals(own, link, metrics.feed),
    metrics: metrics.feed,
    publish: 'PUBLISH',
    close: () => {
      own.close();
    },
  });
}

/** All channels over one connection. */
function plainSignals(connections: RedisConnections, link: CommandLink, metrics: FeedMetrics): SignalSource {
  const redis = connections.connect('subscriber');
  if (!(redis instanceof Redis)) throw new TypeError('plain signals need one Redis');
  const subscriber = new ChannelSubscriber(redis, signalReader(metrics));
  const probe = new SilenceProbe(subscriber, (channel, message) => link.run('probe', (client) => client.publish(channel, message)));
  return {
    subscribe: (channel, listener) => subscriber.subscribe(channel, listener),
    fault: () => (subscriber.downForMs > DOWN_TOO_LONG_MS ? 'The subscription to Redis is not connected.' : undefined),
    close: () => {
      probe.stop();
    },
  };
}
