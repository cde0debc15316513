export { EmbeddedPostgres, type EmbeddedOptions } from './embedded-postgres.js';
export { PostgresCreatorDirectory } from './postgres-creator-directory.js';
export { PostgresLeaderLock } from './postgres-leader-lock.js';
export { PostgresSignInStore } from './postgres-sign-in-store.js';
export { PostgresTipLedger } from './postgres-tip-ledger.js';
export { PostgresWalletRegister } from './postgres-wallet-register.js';
export { optionalStorageEnv, storageEnv, storageOptions, type StorageOptions, type StorageSettings } from './storage-env.js';
export { StorageRefused } from './storage-errors.js';
export { StorageModule } from './storage.module.js';
