import 'reflect-metadata';
import { runMain, startApp } from '@droppio/platform';
import { gatewayEnv } from './env.js';
import { gatewayApp } from './gateway.app.js';

await runMain(() => startApp(gatewayApp(gatewayEnv())));
