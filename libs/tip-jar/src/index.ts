export { DevChainFault } from './anvil-binary.js';
export * from './deploy-tip-jar.js';
export * from './dev-accounts.js';
export * from './dev-chain.js';
export { tipJarAbi, tipJarBytecode } from './generated/tip-jar.js';
export * from './send-tip.js';
export * from './tip-wallet.js';
