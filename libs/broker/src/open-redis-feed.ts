import { Redis } from 'ioredis';
import { ChannelSubscriber } from './channel-subscriber.js';
import { ClusterSignals } from './cluster-signals.js';
import { CommandLink } from './command-link.js';
import type { FeedMetrics, LinkMetrics } from './metrics.js';
import type { RedisConnections } from './redis-connections.js';
import { RedisTipFeed, signalReader, type SignalSource } from './redis-tip-feed.js';
import { SilenceProbe, type ProbeTiming } from './silence-probe.js';

/** A subscriber that has no connection for this long is a fault; shorter is a reconnect. */
const DOWN_TOO_LONG_MS = 10_000;

/** A feed with connections of its own, which end with it. A cluster gets sharded channels. */
export function openRedisFeed(
  connections: RedisConnections,
  metrics: { readonly feed: FeedMetrics; readonly link: LinkMetrics },
  timing?: ProbeTiming,
): RedisTipFeed {
  const own = connections.sibling();
  const link = new CommandLink(own.connect('commands'), metrics.link);
  const isCluster = own.target.kind === 'cluster';
  return new RedisTipFeed({
    link,
    signals: isCluster ? new ClusterSignals(own, link, signalReader(metrics.feed), timing) : plainSignals(own, link, metrics.feed, timing),
    metrics: metrics.feed,
    publish: isCluster ? 'SPUBLISH' : 'PUBLISH',
    close: () => {
      own.close();
    },
  });
}

/** All channels over one connection. */
function plainSignals(connections: RedisConnections, link: CommandLink, metrics: FeedMetrics, timing?: ProbeTiming): SignalSource {
  const redis = connections.connect('subscriber');
  if (!(redis instanceof Redis)) throw new TypeError('a cluster has no plain channels');
  const subscriber = new ChannelSubscriber(redis, signalReader(metrics));
  const publish = (channel: string, message: string): Promise<number> => link.run('probe', (client) => client.publish(channel, message));
  const probe = new SilenceProbe(subscriber, publish, undefined, timing);
  return {
    subscribe: (channel, listener) => subscriber.subscribe(channel, listener),
    fault: () => (subscriber.downForMs > DOWN_TOO_LONG_MS ? 'The subscription to Redis is not connected.' : undefined),
    close: () => {
      probe.stop();
    },
  };
}
