import 'reflect-metadata';
import { runMain } from '@droppio/platform';
import { standaloneEnv } from './env.js';
import { startStandalone, type Standalone } from './start.js';
import { welcome } from './welcome.js';

async function start(): Promise<Standalone> {
  const env = standaloneEnv();
  const running = await startStandalone(env);
  if (running.devChain === undefined) {
    console.log(`Droppio is running at ${running.apiUrl}. Press Ctrl-C to stop.`);
    return running;
  }
  await welcome(running, running.devChain, env.DATA_DIR).catch(async (error: unknown) => {
    await running.close('the welcome failed');
    throw error;
  });
  return running;
}

await runMain(start);
