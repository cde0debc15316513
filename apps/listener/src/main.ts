import 'reflect-metadata';
import { runMain, startApp } from '@droppio/platform';
import { listenerEnv } from './env.js';
import { listenerApp } from './listener.app.js';

await runMain(() => startApp(listenerApp(listenerEnv())));
