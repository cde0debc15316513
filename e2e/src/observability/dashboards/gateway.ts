import type { Board } from './board.js';
import { max, perSecond, quantiles, sum } from './queries.js';

const ONE = 'instance=~"$instance"';

export const gateway: Board = {
  uid: 'droppio-gateway',
  title: 'Droppio: one gateway',
  says: 'One process that holds sockets, chosen above.',
  choices: [{ name: 'instance', label: 'Gateway', of: 'droppio_gateway_socket_limit', value: 'instance' }],
  rows: [
    {
      title: 'Sockets',
      graphs: [
        {
          title: 'Sockets and limit',
          says: 'What it holds and what it may.',
          unit: 'short',
          shows: { '{{state}}': sum('droppio_gateway_sockets', ONE, 'state'), limit: max('droppio_gateway_socket_limit', ONE) },
        },
        {
          title: 'Upgrades by result',
          says: 'What became of those who came.',
          unit: 'reqps',
          shows: { '{{result}}': perSecond('droppio_gateway_upgrades_total', ONE, 'result') },
        },
        {
          title: 'How long sockets lived',
          says: 'Of those that closed: hours for a stream, seconds where something between us cuts them.',
          unit: 's',
          shows: quantiles('droppio_gateway_socket_duration_seconds', ONE),
        },
      ],
    },
    {
      title: 'Writing',
      graphs: [
        {
          title: 'Fan-out',
          says: 'From the feed to the last socket of a channel.',
          unit: 's',
          shows: quantiles('droppio_gateway_fanout_seconds', ONE),
        },
        {
          title: 'Sent',
          says: 'Payload written to sockets.',
          unit: 'Bps',
          shows: { sent: perSecond('droppio_gateway_sent_bytes_total', ONE) },
        },
        {
          title: 'Not yet taken',
          says: 'Bytes that sockets owe to take; it is memory of this process.',
          unit: 'bytes',
          shows: { buffered: max('droppio_gateway_buffered_bytes', ONE) },
        },
      ],
    },
    {
      title: 'Reading',
      graphs: [
        {
          title: 'Redis to here',
          says: 'From the publishing of an event to hearing of it here.',
          unit: 's',
          shows: quantiles('droppio_gateway_pubsub_lag_seconds', ONE),
        },
        {
          title: 'Commands to Redis',
          says: 'Questions to the feed, waiting for their turn included.',
          unit: 's',
          shows: quantiles('droppio_gateway_redis_command_seconds', ONE),
        },
        {
          title: 'Feed away',
          says: '1 while the feed does not answer, and signs of life that were missed.',
          unit: 'short',
          shows: {
            degraded: max('droppio_gateway_feed_degraded', ONE),
            'missed signs': perSecond('droppio_gateway_redis_probe_failures_total', ONE),
          },
        },
      ],
    },
    {
      title: 'The process',
      graphs: [
        {
          title: 'Event loop lag',
          says: 'The median, the worst hundredth and the worst turn of late.',
          unit: 's',
          shows: { 'percentile {{percentile}}': max('droppio_gateway_event_loop_lag_seconds', ONE, 'percentile') },
        },
        {
          title: 'Memory',
          says: 'By kind; what is outside of the heap is buffers of sockets.',
          unit: 'bytes',
          shows: { '{{kind}}': max('droppio_gateway_memory_bytes', ONE, 'kind') },
        },
        {
          title: 'Open files',
          says: 'Sockets are files: the limit must be well above the sockets that it may hold.',
          unit: 'short',
          shows: { open: max('process_open_fds', ONE), limit: max('process_max_fds', ONE) },
        },
      ],
    },
  ],
};
