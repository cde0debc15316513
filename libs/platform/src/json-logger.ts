import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import { DroppioError } from '@droppio/tips';
import { currentSpan } from './traces/current-span.js';

const LEVELS: readonly LogLevel[] = ['debug', 'log', 'warn', 'error', 'fatal'];

/**
 * One JSON object a line: `message` is an event name (`tip.committed`), the fields follow. Rooms use Nest's own
 * `new Logger('<room>')` and call `logger.log('event.name', { field })`. Keys that could hold a secret are masked whatever a room passes.
 */
export class JsonLogger extends ConsoleLogger {
  constructor(
    private readonly service: string,
    private readonly instance: string,
    level: LogLevel,
    private readonly version = 'unknown',
  ) {
    super({
      json: true,
      colors: false,
      flattenParams: true,
      logLevels: LEVELS.slice(LEVELS.indexOf(level)),
      redact: ['token', 'accessToken', 'authorization', 'cookie', 'secret', 'password', 'privateKey', 'nonce'],
    });
  }

  protected override getJsonLogObject(
    message: unknown,
    options: Parameters<ConsoleLogger['getJsonLogObject']>[1],
  ): ReturnType<ConsoleLogger['getJsonLogObject']> {
    const { service, instance, version } = this;
    // A line inside of a span names it: traceId, spanId.
    return { ...super.getJsonLogObject(message, options), service, instance, version, ...currentSpan() };
  }
}

/** The fields that describe an error in a log line: its code, whether trying again may help, and the chain of causes. */
export function errorFields(error: unknown): Record<string, unknown> {
  const causes: string[] = [];
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1)
    causes.push(withoutUrls(at.message));
  return {
    code: error instanceof DroppioError ? error.code : error instanceof Error ? error.name : 'unknown',
    retryable: error instanceof DroppioError ? error.retryable : undefined,
    causes,
    ...(error instanceof DroppioError ? error.context : {}),
  };
}

/** As much of a stranger's words as is looked through; what is written down is less. */
const MOST_LOOKED_AT = 2000;

/** Addresses of nodes and databases carry keys and passwords. */
function withoutUrls(text: string): string {
  return text
    .slice(0, MOST_LOOKED_AT)
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, '<url>')
    .slice(0, 500);
}
