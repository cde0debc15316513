import type { Board } from './board.js';
import { max, perSecond, quantiles, sum } from './queries.js';

/** Whatever holds sockets: in one process with the rest it is a standalone. */
const HOLDERS = 'job=~"gateway|standalone"';

export const fleet: Board = {
  uid: 'droppio-fleet',
  title: 'Droppio: gateway fleet',
  says: 'All gateways beside each other: what they hold, what they refuse, how even they are.',
  rows: [
    {
      title: 'Sockets',
      graphs: [
        {
          title: 'Sockets by gateway',
          says: 'Even but for a gateway that is new or drains.',
          unit: 'short',
          shows: { '{{instance}}': sum('droppio_gateway_sockets', '', 'instance') },
        },
        {
          title: 'Sockets by transport',
          says: 'WebSockets, event streams and long polls; many polls mean that something between us breaks sockets.',
          unit: 'short',
          shows: { '{{transport}} {{state}}': sum('droppio_gateway_sockets', '', 'transport, state') },
        },
        {
          title: 'Creators subscribed to',
          says: 'Channels in Redis that each gateway listens to.',
          unit: 'short',
          shows: { '{{instance}}': sum('droppio_gateway_channels', '', 'instance') },
        },
      ],
    },
    {
      title: 'Coming and going',
      graphs: [
        {
          title: 'Upgrades by result',
          says: 'accepted is the rate of connects; full and pressure mean that a gateway had no room, rate and unauthenticated that too many came at once.',
          unit: 'reqps',
          shows: { '{{result}}': perSecond('droppio_gateway_upgrades_total', '', 'result') },
        },
        {
          title: 'Closes by code',
          says: '4001 drain, 4002 rebalance, 4005 too slow, 4006 no pong, 1001 and 1006 the client or the network.',
          unit: 'reqps',
          shows: { '{{code}}': perSecond('droppio_gateway_closes_total', '', 'code') },
        },
        {
          title: 'Time to connect',
          says: 'From the open socket to its first frame of events; a ticket above half a second at p95.',
          unit: 's',
          shows: quantiles('droppio_gateway_admission_seconds'),
        },
      ],
    },
    {
      title: 'Machines',
      graphs: [
        {
          title: 'Event loop lag, p99',
          says: 'How late a turn of the loop is; a ticket above 200 ms.',
          unit: 's',
          shows: { '{{instance}}': max('nodejs_eventloop_lag_p99_seconds', HOLDERS, 'instance') },
        },
        {
          title: 'Memory',
          says: 'Share of the heap or of the container, whichever is worse; newcomers are refused at 85 %.',
          unit: 'percentunit',
          shows: { '{{instance}}': max('droppio_platform_memory_ratio', HOLDERS, 'instance') },
        },
        {
          title: 'CPU',
          says: 'Share of one core; a gateway has one thread for its sockets.',
          unit: 'percentunit',
          shows: { '{{instance}}': max('droppio_gateway_cpu_ratio', '', 'instance') },
        },
      ],
    },
    {
      title: 'Trouble',
      graphs: [
        {
          title: 'Gaps',
          says: 'Events whose live signal was lost and that were read again (healed), and those that nobody had any more (unhealed): one of the latter is a page.',
          unit: 'reqps',
          shows: {
            'healed from {{source}}': perSecond('droppio_gateway_gap_healed_total', '', 'source'),
            unhealed: perSecond('droppio_gateway_gap_unhealed_total'),
          },
        },
        {
          title: 'Slow consumers',
          says: 'Sockets closed because they did not read; they resume where they were.',
          unit: 'reqps',
          shows: { '{{instance}}': perSecond('droppio_gateway_slow_closes_total', '', 'instance') },
        },
        {
          title: 'Draining',
          says: '1 while a gateway hands its sockets over; those overdue do not move, stragglers had to be closed, and seconds over its time end in force.',
          unit: 'short',
          shows: {
            'draining {{instance}}': max('droppio_gateway_draining', '', 'instance'),
            'overdue {{instance}}': max('droppio_gateway_drain_overdue_sockets', '', 'instance'),
            'seconds over {{instance}}': max('droppio_gateway_drain_overrun_seconds', '', 'instance'),
            'stragglers {{instance}}': max('droppio_gateway_drain_stragglers_total', '', 'instance'),
          },
        },
      ],
    },
  ],
};
