import type { Board } from './board.js';
import { max, perSecond, quantile, quantiles } from './queries.js';

const LATENCY = 'droppio_gateway_tip_latency_seconds';

export const pipeline: Board = {
  uid: 'droppio-pipeline',
  title: 'Droppio: pipeline latency',
  says: 'Where the time of a tip goes: chain, listener, database, relay, Redis, gateway, screen.',
  rows: [
    {
      title: 'From end to end',
      graphs: [
        {
          title: 'Since the block',
          says: "By the block's own clock, which runs before everything that we do.",
          unit: 's',
          shows: quantiles(LATENCY, 'stage="block"'),
        },
        {
          title: 'Since its header was seen',
          says: 'All that is ours; five seconds is the promise.',
          unit: 's',
          shows: quantiles(LATENCY, 'stage="seen"'),
        },
        {
          title: 'On the screen',
          says: 'From the block to an overlay that says that it shows the alert; waiting for alerts before it included.',
          unit: 's',
          shows: quantiles(LATENCY, 'stage="shown"'),
        },
      ],
    },
    {
      title: 'Stage by stage, p95',
      graphs: [
        {
          title: 'Listener and database',
          says: 'Header to commit, and the commit itself.',
          unit: 's',
          shows: {
            'header to commit': quantile(0.95, 'droppio_chain_block_to_commit_seconds'),
            commit: quantile(0.95, 'droppio_storage_commit_seconds', 'operation="commit"'),
          },
        },
        {
          title: 'Relay',
          says: 'Header to feed, and one drain of one creator.',
          unit: 's',
          shows: {
            'header to feed': quantile(0.95, 'droppio_relay_tip_delay_seconds', 'since="header"'),
            drain: quantile(0.95, 'droppio_relay_drain_seconds'),
          },
        },
        {
          title: 'Redis and gateway',
          says: 'Feed to gateway, gateway to the last socket, and both together; half a second is the promise.',
          unit: 's',
          shows: {
            'feed to gateway': quantile(0.95, 'droppio_gateway_pubsub_lag_seconds'),
            'fan-out': quantile(0.95, 'droppio_gateway_fanout_seconds'),
            'feed to sockets': quantile(0.95, LATENCY, 'stage="pub"'),
          },
        },
      ],
    },
    {
      title: 'How much',
      graphs: [
        {
          title: 'Events through the stages',
          says: 'Published into feeds, written to sockets, shown on screens.',
          unit: 'reqps',
          shows: {
            published: perSecond('droppio_relay_published_events_total'),
            delivered: perSecond('droppio_gateway_deliveries_total'),
            shown: perSecond('droppio_gateway_shown_total'),
          },
        },
        {
          title: 'Waiting',
          says: 'Age of the oldest stored event that is in no feed.',
          unit: 's',
          shows: { oldest: max('droppio_relay_oldest_unpublished_seconds') },
        },
        {
          title: 'Webhooks',
          says: 'From the commit of an event to the answer that took it, and webhooks that nobody works on.',
          unit: 's',
          shows: { 'p95 delay': quantile(0.95, 'droppio_webhooks_delivery_delay_seconds'), overdue: max('droppio_webhooks_overdue') },
        },
      ],
    },
  ],
};
