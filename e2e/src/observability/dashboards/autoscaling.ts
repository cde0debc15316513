import type { Board } from './board.js';
import { max, NS, perSecond, sum } from './queries.js';

export const autoscaling: Board = {
  uid: 'droppio-autoscaling',
  title: 'Droppio: autoscaling',
  says: 'What the autoscaler sees and what it does. It aims at 60 % of the sockets that a gateway may hold.',
  rows: [
    {
      title: 'What it sees',
      graphs: [
        {
          title: 'Sockets, forecast and room',
          says: 'The sum, where it will be in a minute, what 60 % of the room is, and all of it.',
          unit: 'short',
          width: 16,
          shows: {
            sockets: `droppio:gateway_sockets:sum{${NS}}`,
            forecast: `droppio:gateway_sockets:forecast{${NS}}`,
            target: `0.6 * droppio:gateway_socket_limit:sum{${NS}}`,
            room: `droppio:gateway_socket_limit:sum{${NS}}`,
          },
        },
        {
          title: 'Fleet in use',
          says: 'Growth begins at 66 %; above 80 % there is an alert.',
          unit: 'percentunit',
          shows: { used: `droppio:gateway_sockets:ratio{${NS}}` },
        },
      ],
    },
    {
      title: 'What it does',
      graphs: [
        {
          title: 'Gateways',
          says: 'Those that answer, and those of them that hand their sockets over.',
          unit: 'short',
          shows: { up: `sum(up{job=~"gateway|standalone",${NS}})`, draining: sum('droppio_gateway_draining') },
        },
        {
          title: 'Fullest gateway',
          says: 'Share of its own limit: far from the average when the balancer is not fair.',
          unit: 'percentunit',
          shows: {
            fullest: `max(sum by (instance) (droppio_gateway_sockets{${NS}}) / max by (instance) (droppio_gateway_socket_limit{${NS}}))`,
          },
        },
        {
          title: 'Turned away',
          says: 'Because a gateway was full or short of memory: the autoscaler was too late.',
          unit: 'reqps',
          shows: { '{{result}}': perSecond('droppio_gateway_upgrades_total', 'result=~"full|pressure"', 'result') },
        },
        {
          title: 'Moved',
          says: 'Sockets that were told to move: drains of gateways that go, and old ones that make use of new gateways.',
          unit: 'reqps',
          shows: { '{{code}}': perSecond('droppio_gateway_closes_total', 'code=~"4001|4002"', 'code') },
        },
        {
          title: 'Time of drains',
          says: 'How long each has taken; a pod has 120 s in all.',
          unit: 's',
          shows: { '{{instance}}': max('droppio_gateway_drain_seconds', '', 'instance') },
        },
      ],
    },
  ],
};
