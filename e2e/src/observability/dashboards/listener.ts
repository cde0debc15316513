import type { Board } from './board.js';
import { max, NS, perSecond, quantile, quantiles } from './queries.js';

export const listener: Board = {
  uid: 'droppio-listener',
  title: 'Droppio: listener',
  says: 'The chains, the nodes that are asked about them, and what is stored.',
  rows: [
    {
      title: 'Chains',
      graphs: [
        {
          title: 'Age of the head',
          says: 'Since a new block was last heard of; a page above a minute.',
          unit: 's',
          shows: { '{{chain}}': `time() - ${max('droppio_chain_head_timestamp_seconds', '', 'chain')}` },
        },
        {
          title: 'Blocks behind',
          says: 'Between the newest head and the last committed block.',
          unit: 'short',
          shows: { '{{chain}}': max('droppio_chain_state', 'what="lag"', 'chain') },
        },
        {
          title: 'Leaders',
          says: '1 where a process commits; 0 for a minute is a page.',
          unit: 'short',
          shows: { '{{chain}} {{instance}}': max('droppio_chain_state', 'what="leader"', 'chain, instance') },
        },
      ],
    },
    {
      title: 'Blocks',
      graphs: [
        {
          title: 'Header to commit',
          says: 'From the arrival of a header to the commit of its block.',
          unit: 's',
          shows: quantiles('droppio_chain_block_to_commit_seconds'),
        },
        {
          title: 'Tips',
          says: 'accepted, unlisted (a token that is not allowed), quarantined (unreadable).',
          unit: 'reqps',
          shows: { '{{outcome}}': perSecond('droppio_chain_tips_total', '', 'outcome') },
        },
        {
          title: 'Reorganisations',
          says: 'How many, and how deep the worst twentieth of them is.',
          unit: 'short',
          shows: {
            'an hour on {{chain}}': `sum by (chain) (increase(droppio_chain_reorg_depth_blocks_count{${NS}}[1h]))`,
            'depth p95': quantile(0.95, 'droppio_chain_reorg_depth_blocks'),
          },
        },
      ],
    },
    {
      title: 'Nodes',
      graphs: [
        {
          title: 'Questions by outcome',
          says: 'Everything but ok and unknown speaks against a node.',
          unit: 'reqps',
          shows: { '{{endpoint}} {{outcome}}': perSecond('droppio_chain_rpc_seconds_count', '', 'endpoint, outcome') },
        },
        {
          title: 'Answers, p95',
          says: 'Time of one question to one node.',
          unit: 's',
          shows: { '{{endpoint}}': quantile(0.95, 'droppio_chain_rpc_seconds', '', 'endpoint') },
        },
        {
          title: 'Behind the newest head',
          says: 'Blocks that a node is behind the others.',
          unit: 'short',
          shows: { '{{endpoint}}': max('droppio_chain_head_lag_blocks', '', 'endpoint') },
        },
      ],
    },
    {
      title: 'Doubts',
      graphs: [
        {
          title: 'Steps that failed',
          says: 'Tried again with a growing pause, by error code.',
          unit: 'reqps',
          shows: { '{{chain}} {{code}}': perSecond('droppio_chain_step_failures_total', '', 'chain, code') },
        },
        {
          title: 'Outvoted nodes',
          says: 'Answers that two other providers contradict.',
          unit: 'reqps',
          shows: { '{{endpoint}}': perSecond('droppio_chain_quorum_disagree_total', '', 'endpoint') },
        },
        {
          title: 'Empty answers that must not be',
          says: 'A node said that a block has no logs though its bloom says otherwise; asked again elsewhere.',
          unit: 'reqps',
          shows: { '{{endpoint}}': perSecond('droppio_chain_rpc_empty_suspicious_total', '', 'endpoint') },
        },
      ],
    },
  ],
};
