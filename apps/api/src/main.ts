import 'reflect-metadata';
import { runMain, startApp } from '@droppio/platform';
import { apiApp } from './api.app.js';
import { apiEnv } from './env.js';

await runMain(() => startApp(apiApp(apiEnv())));
