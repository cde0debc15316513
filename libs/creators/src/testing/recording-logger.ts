import { inspect } from 'node:util';
import type { LoggerService } from '@nestjs/common';

/** Keeps whatever anybody logs, before any masking. */
export class RecordingLogger implements LoggerService {
  private readonly lines: string[] = [];

  text(): string {
    return this.lines.join('\n');
  }

  clear(): void {
    this.lines.length = 0;
  }

  readonly debug = this.keep('debug');
  readonly verbose = this.keep('verbose');
  readonly log = this.keep('log');
  readonly warn = this.keep('warn');
  readonly error = this.keep('error');
  readonly fatal = this.keep('fatal');

  private keep(level: string): (...given: unknown[]) => void {
    return (...given) => {
      this.lines.push(`${level} ${given.map((value) => inspect(value, { depth: 10 })).join(' ')}`);
    };
  }
}
