// Brings the database to the newest schema and ends: `node migrate.mjs` in an image that holds the storage room.
import 'reflect-metadata';
import { loadEnv, platformEnv, port, runMain, startApp } from '@droppio/platform';
import { StorageModule, storageEnv, storageOptions } from '@droppio/storage';
import * as z from 'zod';

await runMain(async () => {
  const settings = loadEnv(z.object({ ...platformEnv, INTERNAL_PORT: port(0), ...storageEnv }), process.env);
  const options = storageOptions(settings.DATABASE_URL, { ...settings, DATABASE_MIGRATE: true });
  const app = await startApp({ service: 'migrate', settings, rooms: [StorageModule.for(options)] });
  await app.close('migrated');
  process.exit(0);
});
