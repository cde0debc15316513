import { appendFileSync, closeSync, openSync, readFileSync } from 'node:fs';
import { Entry } from './entry.js';
import { monotonicMs } from './monotonic.js';

const FLUSH_MS = 50;

/** Distributes over the kinds, so that each keeps its own fields. */
type Untimed<T> = T extends unknown ? Omit<T, 'at'> : never;

/** A file of lines, each written down with the time at which it was told. */
export class Journal {
  private readonly file: number;
  private lines: string[] = [];
  private readonly timer: NodeJS.Timeout;

  constructor(path: string) {
    this.file = openSync(path, 'a');
    this.timer = setInterval(() => {
      this.flush();
    }, FLUSH_MS);
    this.timer.unref();
  }

  write(entry: Untimed<Entry>): void {
    this.lines.push(JSON.stringify({ at: monotonicMs(), ...entry }));
  }

  flush(): void {
    if (this.lines.length === 0) return;
    appendFileSync(this.file, `${this.lines.join('\n')}\n`);
    this.lines = [];
  }

  close(): void {
    clearInterval(this.timer);
    this.flush();
    closeSync(this.file);
  }
}

/** All entries of the files, in the order of time. */
export function readJournals(paths: readonly string[]): Entry[] {
  return paths.flatMap((path) => [...entriesIn(path)]).sort((a, b) => a.at - b.at);
}

/** Line by line: a whole journal may be more than fits into one string. */
function* entriesIn(path: string): Generator<Entry> {
  const bytes = readFileSync(path);
  for (let begin = 0, end = bytes.indexOf('\n'); end >= 0; begin = end + 1, end = bytes.indexOf('\n', begin))
    yield Entry.parse(JSON.parse(bytes.toString('utf8', begin, end)));
}
