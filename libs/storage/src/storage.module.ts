import { Global, Inject, Injectable, Module, type DynamicModule, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Health } from '@droppio/platform';
import {
  AccessTokens,
  AccountData,
  AssetStore,
  AuditTrail,
  CreatorDirectory,
  CreatorWallets,
  IdempotencyKeys,
  LeaderLock,
  OverlayKeeper,
  ModerationDesk,
  Retention,
  SignInStore,
  TipLedger,
  TipValues,
  WalletRegister,
  ExportTurns,
  TipArchive,
  TipStats,
  WidgetBoard,
  WebhookOutbox,
  WebhookStore,
} from '@droppio/tips';
import { Database } from './database.js';
import { storageMetrics } from './metrics.js';
import { openDatabase } from './migrate.js';
import { PoolWatch } from './pool-watch.js';
import { PostgresAccessTokens } from './postgres-access-tokens.js';
import { PostgresAccountData } from './postgres-account-data.js';
import { PostgresAssetStore } from './postgres-asset-store.js';
import { PostgresAuditTrail } from './postgres-audit-trail.js';
import { PostgresCreatorDirectory } from './postgres-creator-directory.js';
import { PostgresCreatorWallets } from './postgres-creator-wallets.js';
import { PostgresIdempotencyKeys } from './postgres-idempotency-keys.js';
import { PostgresLeaderLock } from './postgres-leader-lock.js';
import { PostgresExportTurns } from './postgres-export-turns.js';
import { PostgresTipArchive } from './postgres-tip-archive.js';
import { PostgresOverlayKeeper } from './postgres-overlay-keeper.js';
import { PostgresModerationDesk } from './postgres-moderation-desk.js';
import { PostgresTipStats } from './postgres-tip-stats.js';
import { PostgresWidgetBoard } from './postgres-widget-board.js';
import { PostgresTipLedger } from './postgres-tip-ledger.js';
import { PostgresRetention } from './postgres-retention.js';
import { PostgresSignInStore } from './postgres-sign-in-store.js';
import { PostgresTipValues } from './postgres-tip-values.js';
import { PostgresWalletRegister } from './postgres-wallet-register.js';
import { PostgresWebhookOutbox } from './postgres-webhook-outbox.js';
import { PostgresWebhookStore } from './postgres-webhook-store.js';
import type { StorageOptions } from './storage-env.js';

/** The pool lives as long as the process: shut in the last of Nest's hooks, when every other room has stopped its work. */
@Injectable()
class PoolKeeper implements OnModuleInit, OnApplicationShutdown {
  constructor(
    @Inject(Database) private readonly database: Database,
    private readonly health: Health,
    private readonly leaderLock: LeaderLock,
  ) {}

  onModuleInit(): void {
    this.health.readyWhen('postgres', async () => {
      try {
        await this.database.ping();
        return undefined;
      } catch {
        return 'Postgres does not answer.';
      }
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.leaderLock.close();
    await this.database.close();
  }
}

/** Global: the ledger and the creators on the Postgres of `options.url`. Start fails with a sentence when it cannot be used as it is. */
@Global()
@Module({})
export class StorageModule {
  static for(options: StorageOptions): DynamicModule {
    const pool = new PoolWatch();
    return {
      module: StorageModule,
      providers: [
        { provide: Database, useFactory: () => openWatched(options, pool) },
        ...pool.providers(),
        { provide: TipLedger, useClass: PostgresTipLedger },
        { provide: TipArchive, useClass: PostgresTipArchive },
        { provide: TipStats, useClass: PostgresTipStats },
        { provide: WidgetBoard, useClass: PostgresWidgetBoard },
        { provide: ExportTurns, useClass: PostgresExportTurns },
        { provide: CreatorDirectory, useClass: PostgresCreatorDirectory },
        { provide: AccessTokens, useClass: PostgresAccessTokens },
        { provide: CreatorWallets, useClass: PostgresCreatorWallets },
        { provide: OverlayKeeper, useClass: PostgresOverlayKeeper },
        { provide: ModerationDesk, useClass: PostgresModerationDesk },
        { provide: IdempotencyKeys, useClass: PostgresIdempotencyKeys },
        { provide: SignInStore, useClass: PostgresSignInStore },
        { provide: AssetStore, useClass: PostgresAssetStore },
        { provide: AuditTrail, useClass: PostgresAuditTrail },
        { provide: AccountData, useClass: PostgresAccountData },
        { provide: Retention, useClass: PostgresRetention },
        { provide: WalletRegister, useClass: PostgresWalletRegister },
        { provide: TipValues, useClass: PostgresTipValues },
        { provide: WebhookStore, useClass: PostgresWebhookStore },
        { provide: WebhookOutbox, useClass: PostgresWebhookOutbox },
        { provide: LeaderLock, useFactory: () => new PostgresLeaderLock(options) },
        ...storageMetrics,
        PoolKeeper,
      ],
      exports: [
        TipArchive,
        ModerationDesk,
        TipStats,
        WidgetBoard,
        ExportTurns,
        TipLedger,
        CreatorDirectory,
        AccessTokens,
        IdempotencyKeys,
        AssetStore,
        AuditTrail,
        AccountData,
        Retention,
        SignInStore,
        LeaderLock,
        WalletRegister,
        TipValues,
        WebhookStore,
        WebhookOutbox,
        CreatorWallets,
        OverlayKeeper,
      ],
    };
  }
}

async function openWatched(options: StorageOptions, pool: PoolWatch): Promise<Database> {
  const database = await openDatabase(options);
  pool.watch(database.source);
  return database;
}
