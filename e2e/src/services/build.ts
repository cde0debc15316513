import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

/** Stories run what a user runs: the built apps. */
export default function build(): void {
  const root = resolve(import.meta.dirname, '../../..');
  execFileSync('npm', ['run', '--silent', 'build'], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, NX_DAEMON: 'false' },
    timeout: 300_000,
  });
}
