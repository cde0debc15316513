import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

/** One line that says what a figure was measured on. */
export function machine(extra: Readonly<Record<string, string>> = {}): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown CPU';
  const facts = [
    `${String(cpus().length)} × ${model}`,
    `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    `Linux ${release()}`,
    `Node ${process.version}`,
  ];
  return [...facts, ...Object.entries(extra).map(([name, version]) => `${name} ${version}`)].join(' · ');
}

/** Version of an installed package, from its manifest. */
export function versionOf(name: string): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '?';
}
