import { within } from '@droppio/tips';

/** `undefined` when well, else a sentence that says what is wrong. */
export type HealthCheck = () => string | undefined | Promise<string | undefined>;

export interface HealthReport {
  readonly ok: boolean;
  readonly faults: Readonly<Record<string, string>>;
}

const CHECK_TIMEOUT_MS = 2000;

/**
 * Rooms register what makes the process ready (may it be sent work?) and alive (or would only a restart help?).
 * Liveness must not look at other services: a database outage is no reason to restart every pod.
 */
export class Health {
  private readonly readiness = new Map<string, HealthCheck>();
  private readonly liveness = new Map<string, HealthCheck>();
  private draining = false;

  readyWhen(name: string, check: HealthCheck): void {
    this.readiness.set(name, check);
  }

  aliveWhile(name: string, check: HealthCheck): void {
    this.liveness.set(name, check);
  }

  /** From now on not ready: load balancers send no new work. */
  drain(): void {
    this.draining = true;
  }

  async ready(): Promise<HealthReport> {
    if (this.draining) return { ok: false, faults: { shutdown: 'The process is shutting down.' } };
    return report(this.readiness);
  }

  alive(): Promise<HealthReport> {
    return report(this.liveness);
  }
}

async function report(checks: ReadonlyMap<string, HealthCheck>): Promise<HealthReport> {
  const faults: Record<string, string> = {};
  await Promise.all(
    [...checks].map(async ([name, check]) => {
      const fault = await ask(name, check);
      if (fault !== undefined) faults[name] = fault;
    }),
  );
  return { ok: Object.keys(faults).length === 0, faults };
}

async function ask(name: string, check: HealthCheck): Promise<string | undefined> {
  try {
    return await within(CHECK_TIMEOUT_MS, `health check ${name}`, Promise.resolve(check()));
  } catch (error) {
    return error instanceof Error ? error.message : 'The check failed.';
  }
}
