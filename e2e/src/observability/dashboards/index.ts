import { autoscaling } from './autoscaling.js';
import type { Board } from './board.js';
import { fleet } from './fleet.js';
import { gateway } from './gateway.js';
import { listener } from './listener.js';
import { overview } from './overview.js';
import { pipeline } from './pipeline.js';
import { stores } from './stores.js';

export { drawBoard } from './board.js';
export const BOARDS: readonly Board[] = [overview, fleet, gateway, listener, pipeline, stores, autoscaling];
