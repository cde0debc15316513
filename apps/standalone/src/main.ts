import 'reflect-metadata';
import { runMain, StartupFault } from '@droppio/platform';
import type { DemoChain } from './dev-chain.js';
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
  endWith(running.devChain, running);
  await welcome(running, running.devChain, env.DATA_DIR).catch(async (cause: unknown) => {
    await running.close('the welcome failed');
    const why = cause instanceof Error ? cause.message : 'no reason given';
    throw new StartupFault(`Everything started, and the first tip did not come through: ${why}`, { cause });
  });
  return running;
}

/** Without its chain this house is a picture of one: better to end, and say so, than to look alive. */
function endWith(chain: DemoChain, running: Standalone): void {
  void chain.node.exited.then(async () => {
    if (running.isClosing()) return;
    console.error('The local chain has ended. Stopping; the next start takes up where it was.');
    await running.close('the local chain has ended');
    process.exit(1);
  });
}

await runMain(start);
