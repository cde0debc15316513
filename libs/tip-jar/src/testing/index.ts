export * from './deploy-testing.js';
export * from './generated/contracts.js';
