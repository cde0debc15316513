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
export { tellEvents } from './told-tips.js';
