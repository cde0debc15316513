export {
  createTestDatabase,
  endLeaderLocks,
  joinTestStorage,
  openTestStorage,
  type JoinedStorage,
  type TestDatabase,
  type TestStorage,
} from './test-database.js';
export { tellEvents } from './told-tips.js';
