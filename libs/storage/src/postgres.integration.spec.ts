import { inject } from 'vitest';
import { describeAlertPoint } from './alert-point.contract.js';
import { describeBackfill } from './backfill.contract.js';
import { describeCreatorDirectory } from './creator-directory.contract.js';
import { describeSignInStore } from './sign-in-store.contract.js';
import { openTestStorage } from './testing/index.js';
import { describeTipLedger } from './tip-ledger.contract.js';
import { describeTipReading } from './tip-reading.contract.js';

const where = 'an external Postgres';
const make = () => openTestStorage(inject('postgresUrl'));

describeTipLedger(where, make);
describeAlertPoint(where, make);
describeTipReading(where, make);
describeBackfill(where, make);
describeCreatorDirectory(where, make);
describeSignInStore(where, make);
