export { createTestDatabase, openTestStorage, type TestDatabase, type TestStorage } from './test-database.js';
