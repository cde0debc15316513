export {
  createEmptyDatabase,
  createTestDatabase,
  endLeaderLocks,
  joinTestStorage,
  openTestStorage,
  query,
  type JoinedStorage,
  type TestDatabase,
  type TestStorage,
} from './test-database.js';
export { openFeedProcess, type FeedProcess } from './feed-process.js';
export { SessionProxy } from './session-proxy.js';
export { tellEvents } from './told-tips.js';
