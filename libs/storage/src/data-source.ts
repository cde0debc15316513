import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { Client, type ClientConfig, type PoolConfig } from 'pg';
import { DataSource } from 'typeorm';
import { AccessTokenEntity } from './access-token-entity.js';
import { AuditEntryEntity, ChoreEntity, ErasedAccountEntity, ErasedMessageEntity, ErasedWalletEntity } from './account-entities.js';
import { ChainBlockEntity, ChainCoverageEntity, ChainCursorEntity, ChainLeaseEntity, QuarantinedLogEntity } from './chain-entities.js';
import {
  CreatorEntity,
  CreatorEventEntity,
  CreatorStreamEntity,
  CreatorWalletEntity,
  FormerWalletEntity,
  OverlayEntity,
} from './creator-entities.js';
import { IdempotencyKeyEntity } from './idempotency-entity.js';
import type { SteppedMigration } from './migration-steps.js';
import { FirstHouse1763800000000 } from './migration-0001-first-house.js';
import { SignIn1763900000000 } from './migration-0002-sign-in.js';
import { AlertAfter1764000000000 } from './migration-0003-alert-after.js';
import { Coverage1764100000000 } from './migration-0004-coverage.js';
import { WalletAge1764200000000 } from './migration-0005-wallet-age.js';
import { Credentials1764300000000 } from './migration-0006-credentials.js';
import { OverlayDocuments1764400000000 } from './migration-0007-overlay-documents.js';
import { TipArchive1764500000000 } from './migration-0008-tip-archive.js';
import { TipValues1764600000000 } from './migration-0009-tip-values.js';
import { Screening1764700000000 } from './migration-0010-screening.js';
import { Webhooks1764800000000 } from './migration-0011-webhooks.js';
import { Account1764900000000 } from './migration-0012-account.js';
import { ModerationRulesEntity } from './moderation-entities.js';
import { TipStats1765000000000 } from './migration-0013-tip-stats.js';
import { ErasedTips1765100000000 } from './migration-0014-erased-tips.js';
import { FormerWallets1765200000000 } from './migration-0015-former-wallets.js';
import { Widgets1765300000000 } from './migration-0016-widgets.js';
import { Assets1765400000000 } from './migration-0017-assets.js';
import { ProvenWallets1765500000000 } from './migration-0018-proven-wallets.js';
import { Feed1765600000000 } from './migration-0019-feed.js';
import { FeedMarks1765700000000 } from './migration-0020-feed-marks.js';
import { FEED_ENTITIES } from './feed/feed-entities.js';
import { SessionEntity, SpentNonceEntity } from './sign-in-entities.js';
import type { StorageOptions } from './storage-env.js';
import { TipEntity, TipSightingEntity } from './tip-entities.js';
import { TipValueEntity } from './tip-value-entity.js';

/** In order of their time stamps, each in steps that a database in use can bear; never edited once released. */
export const MIGRATIONS: readonly (new () => SteppedMigration)[] = [
  FirstHouse1763800000000,
  SignIn1763900000000,
  AlertAfter1764000000000,
  Coverage1764100000000,
  WalletAge1764200000000,
  Credentials1764300000000,
  OverlayDocuments1764400000000,
  TipArchive1764500000000,
  TipValues1764600000000,
  Screening1764700000000,
  Webhooks1764800000000,
  Account1764900000000,
  TipStats1765000000000,
  ErasedTips1765100000000,
  FormerWallets1765200000000,
  Widgets1765300000000,
  Assets1765400000000,
  ProvenWallets1765500000000,
  Feed1765600000000,
  FeedMarks1765700000000,
];

export interface SessionLimits {
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly idleInTransactionMs: number;
}

export function sessionLimits(options: StorageOptions): SessionLimits {
  return {
    statementTimeoutMs: options.statementTimeoutMs ?? 10_000,
    lockTimeoutMs: options.lockTimeoutMs ?? 5000,
    idleInTransactionMs: 30_000,
  };
}

export function createDataSource(options: StorageOptions): DataSource {
  const logger = new Logger('storage');
  return new DataSource({
    type: 'postgres',
    url: options.url,
    poolSize: options.poolSize ?? 10,
    connectTimeoutMS: options.connectTimeoutMs ?? 5000,
    applicationName: 'droppio',
    entities: [
      ChainCursorEntity,
      ChainCoverageEntity,
      ChainBlockEntity,
      ChainLeaseEntity,
      QuarantinedLogEntity,
      TipEntity,
      TipSightingEntity,
      TipValueEntity,
      CreatorEntity,
      CreatorWalletEntity,
      FormerWalletEntity,
      CreatorStreamEntity,
      CreatorEventEntity,
      OverlayEntity,
      ModerationRulesEntity,
      AccessTokenEntity,
      SpentNonceEntity,
      SessionEntity,
      IdempotencyKeyEntity,
      AuditEntryEntity,
      ChoreEntity,
      ErasedAccountEntity,
      ErasedWalletEntity,
      ErasedMessageEntity,
      ...FEED_ENTITIES,
    ],
    migrations: [...MIGRATIONS],
    migrationsTableName: 'schema_migrations',
    migrationsTransactionMode: 'each',
    synchronize: false,
    installExtensions: false,
    // Spells the default of a generated uuid as Postgres has it built in.
    uuidExtension: 'pgcrypto',
    logging: false,
    // An idle connection that breaks is replaced by the pool at the next call; unheard, the event would end the process.
    poolErrorHandler: (error: unknown) => {
      logger.warn('connection.lost', errorFields(error));
    },
    extra: poolExtras(options),
  });
}

/**
 * The pool hands a new connection over before anybody listens to it. One that the server ends in that very moment would end the process,
 * too: whoever has it hears of it by the failure of his next statement.
 */
class HeardClient extends Client {
  constructor(config?: ClientConfig) {
    super(config);
    this.on('error', () => undefined);
  }
}

function poolExtras(options: StorageOptions): PoolConfig {
  const limits = sessionLimits(options);
  const pool: PoolConfig = {
    Client: HeardClient,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    idleTimeoutMillis: 30_000,
    // Connections are renewed, so that a pool spreads again over the servers after a failover.
    maxLifetimeSeconds: 1800,
    // The client's own deadline, for a server or network that says nothing at all: above the server's, which cancels properly.
    query_timeout: limits.statementTimeoutMs + 2000,
  };
  // Sent as parameters of the session, which PgBouncer refuses; behind one, transactions set them for themselves.
  if (options.pooler === 'transaction') return pool;
  return {
    ...pool,
    statement_timeout: limits.statementTimeoutMs,
    lock_timeout: limits.lockTimeoutMs,
    idle_in_transaction_session_timeout: limits.idleInTransactionMs,
  };
}
