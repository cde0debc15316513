import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ROOT } from '@droppio/e2e/houses';
import { scripts } from './scripts.js';

for (const [path, text] of await scripts()) {
  await writeFile(resolve(ROOT, path), text);
  console.log(`written: ${path}`);
}
