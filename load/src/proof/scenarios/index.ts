import { killedGateway, rollingRestart } from './gateways.js';
import { frozenListener, killedListener, stalledWorker, wrongClocks } from './listeners.js';
import { flappingOverlays, herd, slowReader } from './links.js';
import { deafToTheNode, deepFork, lyingNode, moodyNode } from './nodes.js';
import { bigBlock, endedPages, rotatedToken } from './overlays.js';
import { crashedPostgres, fullDisk, slowFirstWriter, unknownCommit } from './postgres.js';
import { emptyRedis, fullRedis, killedSubscribers, lossyFailover, redisHole } from './redis.js';
import { droppedTip, movedTip } from './reorgs.js';
import type { Scenario } from './scenario.js';

/** All but the 28th, which is all of these mixed. */
export const SCENARIOS: readonly Scenario[] = [
  killedGateway,
  rollingRestart,
  emptyRedis,
  lossyFailover,
  redisHole,
  killedSubscribers,
  fullRedis,
  crashedPostgres,
  unknownCommit,
  slowFirstWriter,
  killedListener,
  frozenListener,
  stalledWorker,
  moodyNode,
  lyingNode,
  deafToTheNode,
  droppedTip,
  movedTip,
  deepFork,
  flappingOverlays,
  slowReader,
  endedPages,
  herd,
  rotatedToken,
  wrongClocks,
  bigBlock,
  fullDisk,
];
