// Brings the database to the newest schema and ends: `node migrate.mjs` in an image that holds the storage room.
// `node migrate.mjs --new-epochs`, once a backup was put back and before anything publishes from it: the same, and then all creators' events are
// numbered anew (docs/deploy/backup.md).
import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { loadEnv, platformEnv, port, runMain, startApp } from '@droppio/platform';
import { beginNewEpochs, StorageModule, storageEnv, storageOptions } from '@droppio/storage';
import * as z from 'zod';

await runMain(async () => {
  const { values } = parseArgs({ options: { 'new-epochs': { type: 'boolean', default: false } } });
  const settings = loadEnv(z.object({ ...platformEnv, INTERNAL_PORT: port(0), ...storageEnv }), process.env);
  const options = storageOptions(settings.DATABASE_URL, { ...settings, DATABASE_MIGRATE: true });
  const app = await startApp({ service: 'migrate', settings, rooms: [StorageModule.for(options)] });
  await app.close('migrated');
  if (values['new-epochs']) process.stdout.write(`New epochs for ${await beginNewEpochs(options)} creators.\n`);
  process.exit(0);
});
