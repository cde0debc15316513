import { inject } from 'vitest';
import { describeAccessTokens } from './access-tokens.contract.js';
import { describeAccountData } from './account-data.contract.js';
import { describeAccountEnd } from './account-end.contract.js';
import { describeAlertPoint } from './alert-point.contract.js';
import { describeAssetStore } from './asset-store.contract.js';
import { describeAuditTrail } from './audit-trail.contract.js';
import { describeBackfill } from './backfill.contract.js';
import { describeCreatorDirectory } from './creator-directory.contract.js';
import { describeCreatorWallets } from './creator-wallets.contract.js';
import { describeOverlayKeeper } from './overlay-keeper.contract.js';
import { describeModerationDesk } from './moderation-desk.contract.js';
import { describeScreening } from './screening.contract.js';
import { describeErasure } from './erasure.contract.js';
import { describeHiddenMessages } from './hidden-messages.contract.js';
import { describeIdempotencyKeys } from './idempotency-keys.contract.js';
import { describeSignInStore } from './sign-in-store.contract.js';
import { openTestStorage } from './testing/index.js';
import { describeTipArchive } from './tip-archive.contract.js';
import { describeTipStats } from './tip-stats.contract.js';
import { describeWidgetBoard } from './widget-board.contract.js';
import { describeExportTurns } from './export-turns.contract.js';
import { describeTipLedger } from './tip-ledger.contract.js';
import { hexToBytes } from './columns.js';
import { PostgresWalletRegister } from './postgres-wallet-register.js';
import { aCreator } from './testing/chain-story.js';
import { PostgresWebhookOutbox } from './postgres-webhook-outbox.js';
import { PostgresWebhookStore } from './postgres-webhook-store.js';
import { describeTipReading } from './tip-reading.contract.js';
import { describeWalletRegister } from './wallet-register.contract.js';
import { describeWebhookOutbox, type WebhookHouse } from './webhook-outbox.contract.js';
import { describeWebhookStore } from './webhook-store.contract.js';

const where = 'an external Postgres';
const make = () => openTestStorage(inject('postgresUrl'));

describeTipLedger(where, make);
describeAlertPoint(where, make);
describeTipReading(where, make);
describeScreening(where, make);
describeModerationDesk(where, make);
describeTipArchive(where, make);
describeTipStats(where, make);
describeWidgetBoard(where, make);
describeExportTurns(where, make);
describeBackfill(where, make);
describeCreatorDirectory(where, make);
describeOverlayKeeper(where, make);
describeCreatorWallets(where, make);
describeSignInStore(where, make);
describeAccessTokens(where, make);
describeIdempotencyKeys(where, make);
describeAssetStore(where, make);
describeAuditTrail(where, make);
describeAccountData(where, make);
describeAccountEnd(where, make);
describeErasure(where, make);
describeHiddenMessages(where, make);
describeWalletRegister(where, async () => {
  const storage = await make();
  const owner = await aCreator(storage, 0);
  return {
    register: new PostgresWalletRegister(storage.database),
    add: (wallet, ageMs) =>
      storage.database.run(
        `INSERT INTO creator_wallets (address, creator_id, position, created_at) VALUES ($1, $2, 0, now() - $3::bigint * interval '1 millisecond')`,
        [hexToBytes(wallet), owner.id, ageMs],
      ),
    close: () => storage.drop(),
  };
});

const makeWebhooks = async (): Promise<WebhookHouse> => {
  const storage = await make();
  return { storage, store: new PostgresWebhookStore(storage.database), outbox: new PostgresWebhookOutbox(storage.database) };
};
describeWebhookStore(where, makeWebhooks);
describeWebhookOutbox(where, makeWebhooks);
