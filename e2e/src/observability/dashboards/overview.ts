import type { Board, Graph } from './board.js';
import { max, NS, perSecond, quantile, sum } from './queries.js';

const objective = (slo: string, good: string): Graph => ({
  title: `${slo}: errors in an hour`,
  says: `Share of bad events in the last hour. ${good} At 14.4 times the budget somebody is paged.`,
  unit: 'percentunit',
  shows: { '1 h': `droppio:slo_errors:ratio1h{${NS},slo="${slo}"}`, '6 h': `droppio:slo_errors:ratio6h{${NS},slo="${slo}"}` },
  width: 6,
});

export const overview: Board = {
  uid: 'droppio-overview',
  title: 'Droppio: overview',
  says: 'Is it well? Figures first, then the promises (observability/slo.yml), then what came and went.',
  rows: [
    {
      title: 'Now',
      graphs: [
        {
          title: 'Overlays connected',
          says: 'Sockets, streams and polls over all gateways.',
          unit: 'short',
          asFigure: true,
          width: 4,
          shows: { overlays: sum('droppio_gateway_sockets') },
        },
        {
          title: 'Fleet in use',
          says: 'Share of the sockets that gateways may hold; above 80 % there is an alert.',
          unit: 'percentunit',
          asFigure: true,
          width: 4,
          shows: { used: `droppio:gateway_sockets:ratio{${NS}}` },
        },
        {
          title: 'Tips a minute',
          says: 'Tips found in committed blocks and accepted.',
          unit: 'short',
          asFigure: true,
          width: 4,
          shows: { tips: `60 * ${perSecond('droppio_chain_tips_total', 'outcome="accepted"')}` },
        },
        {
          title: 'Block to sockets, p95',
          says: 'From the moment a block was seen here until its tips were on all sockets.',
          unit: 's',
          asFigure: true,
          width: 4,
          shows: { p95: quantile(0.95, 'droppio_gateway_tip_latency_seconds', 'stage="seen"') },
        },
        {
          title: 'Oldest unpublished event',
          says: 'Age of what was stored and is in no feed yet; 0 while all is well, a page from 60 s.',
          unit: 's',
          asFigure: true,
          width: 4,
          shows: { age: max('droppio_relay_oldest_unpublished_seconds') },
        },
        {
          title: 'Alerts firing',
          says: 'How many alerts of Droppio are firing.',
          unit: 'short',
          asFigure: true,
          width: 4,
          shows: { alerts: `sum(ALERTS{alertstate="firing",${NS}}) or vector(0)` },
        },
      ],
    },
    {
      title: 'Promises',
      graphs: [
        objective('Connect', '99 % of the overlays that want to connect shall get in.'),
        objective('Delivery', '99 % of tips shall be on the sockets half a second after their publishing.'),
        objective('Pipeline', '95 % of tips shall be on the sockets five seconds after their block was seen.'),
        objective('Api', '99.9 % of requests shall not fail for a fault of the API.'),
      ],
    },
    {
      title: 'Traffic',
      graphs: [
        {
          title: 'Events delivered',
          says: 'Events written to sockets a second. A sudden drop is a page.',
          unit: 'reqps',
          shows: { delivered: perSecond('droppio_gateway_deliveries_total') },
        },
        {
          title: 'Requests to the API',
          says: 'By class of the answer; 5xx are faults of ours.',
          unit: 'reqps',
          shows: { '{{status_class}}': perSecond('droppio_http_request_duration_seconds_count', '', 'status_class') },
        },
        {
          title: 'Builds',
          says: 'Processes by version: two of them in the middle of a rollout, one otherwise.',
          unit: 'short',
          shows: { '{{service}} {{version}} {{revision}}': sum('droppio_build_info', '', 'service, version, revision') },
        },
      ],
    },
  ],
};
