export { chainEnv, chainSettings, type ChainSettings } from './chain-settings.js';
export type { ChainOptions } from './chain-followers.js';
export { ChainModule } from './chain.module.js';
export { decodeTip, TIP_TOPIC, type RawTip } from './decode-tip.js';
export { ChainFollower, type FollowerParts } from './follow/chain-follower.js';
export { ChainMetrics, unregisteredMetrics } from './metrics.js';
export { ViemChainReader } from './nodes/viem-chain-reader.js';
