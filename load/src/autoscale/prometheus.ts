import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, startChild, type Child } from '@droppio/e2e/houses';
import * as z from 'zod';
import { LOOKS_APART, milliseconds } from './compressed.js';

const START_MS = 30_000;
const Result = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
});

/** A real Prometheus that finds gateways in a file, as it finds pods in a cluster. */
export class Prometheus {
  private written = Promise.resolve();

  private constructor(
    private readonly child: Child,
    private readonly url: string,
    private readonly folder: string,
    private readonly namespace: string,
  ) {}

  static async start(binary: string, folder: string, namespace: string, rules: string): Promise<Prometheus> {
    const port = await freePort();
    await mkdir(join(folder, 'targets'), { recursive: true });
    await writeFile(join(folder, 'rules.yml'), rules);
    await writeFile(join(folder, 'prometheus.yml'), CONFIGURATION);
    const child = startChild(binary, [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${String(port)}`,
      '--log.level=warn',
    ]);
    const prometheus = new Prometheus(child, `http://127.0.0.1:${String(port)}`, folder, namespace);
    await prometheus.scrape([]);
    await prometheus.ready();
    return prometheus;
  }

  /** Gateways by their internal addresses, whole at once; several that start or end together write one after the other, and the last word stays. */
  scrape(addresses: readonly string[]): Promise<void> {
    const targets = [{ targets: addresses, labels: { namespace: this.namespace } }];
    const file = join(this.folder, 'targets/gateways.json');
    this.written = this.written.then(async () => {
      await writeFile(`${file}.new`, JSON.stringify(targets));
      await rename(`${file}.new`, file);
    });
    return this.written;
  }

  /** The one value of an expression; `undefined` when there is none. */
  async ask(expression: string): Promise<number | undefined> {
    const response = await fetch(`${this.url}/api/v1/query?query=${encodeURIComponent(expression)}`);
    if (!response.ok) throw new Error(`Prometheus answers ${String(response.status)}: ${await response.text()}`);
    const { result } = Result.parse(await response.json()).data;
    const value = Number(result[0]?.value[1]);
    return Number.isNaN(value) ? undefined : value;
  }

  async stop(): Promise<void> {
    await this.child.stop('SIGTERM', 20_000).catch(() => this.child.stop('SIGKILL'));
  }

  private async ready(): Promise<void> {
    for (const deadline = Date.now() + START_MS; ;) {
      const isUp = await fetch(`${this.url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (isUp) return;
      if (Date.now() > deadline) throw new Error(`Prometheus does not start:\n${this.child.output().slice(-2000)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const CONFIGURATION = `
global:
  scrape_interval: ${milliseconds(LOOKS_APART)}
  scrape_timeout: ${milliseconds(LOOKS_APART)}
  evaluation_interval: ${milliseconds(LOOKS_APART)}
rule_files: [rules.yml]
scrape_configs:
  - job_name: gateway
    file_sd_configs:
      - { files: [targets/*.json], refresh_interval: 1s }
`;
