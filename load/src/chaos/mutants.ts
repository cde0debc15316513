import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Emphasis } from './scenario.js';

/** A listener with one guard taken out. The plans that aim at this guard must turn the run red. */
export interface Mutant {
  readonly name: string;
  readonly says: string;
  /** Compiled file, from the root of the repository. */
  readonly file: string;
  /** Found exactly once, or the mutant is none. */
  readonly fragment: string;
  readonly instead: string;
  readonly emphasis: Emphasis;
  readonly extraSql?: string;
}

const STATEMENTS = 'libs/storage/dist/tip-statements.js';

/** A sequence for every creator, as somebody might think of it who does not want the lock on the stream's row. */
const SEQUENCES = `
CREATE FUNCTION chaos_sequence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE SEQUENCE %I', 'chaos_seq_' || NEW.id);
  RETURN NULL;
END $$;
CREATE TRIGGER chaos_sequence AFTER INSERT ON creators FOR EACH ROW EXECUTE FUNCTION chaos_sequence();
`;

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'epoch',
    says: 'no epoch test in the gate of a commit',
    file: STATEMENTS,
    fragment: ' AND epoch = $5',
    // The parameter stays, else Postgres would not know its type.
    instead: ' AND $5::bigint IS NOT NULL',
    emphasis: 'zombies',
  },
  {
    name: 'parent',
    says: 'no parent test in the gate of a commit',
    file: STATEMENTS,
    fragment: ' AND hash = $4',
    instead: ' AND $4::bytea IS NOT NULL',
    emphasis: 'late-commits',
  },
  {
    name: 'log-index',
    says: 'tips named by log index, not by ordinal',
    file: 'libs/chain/dist/sight-tips.js',
    fragment: 'tipOf({ txHash, ordinal, logIndex }, raw)',
    instead: 'tipOf({ txHash, logIndex, logIndex: ordinal }, raw)',
    emphasis: 'moves',
  },
  {
    name: 'sequence',
    says: 'seq from a SEQUENCE, not from the row of the stream',
    file: STATEMENTS,
    fragment: 'bumped.base + row_number() OVER (PARTITION BY news.creator_id ORDER BY nth) AS seq',
    instead: `nextval(format('%I', 'chaos_seq_' || news.creator_id)::regclass) AS seq`,
    emphasis: 'torn-reorgs',
    extraSql: SEQUENCES,
  },
  {
    name: 'quorum',
    says: 'the first of the providers that must agree is believed',
    file: 'libs/chain/dist/nodes/ballot.js',
    fragment: 'const QUORUM = 2;',
    instead: 'const QUORUM = 1;',
    emphasis: 'forgers',
  },
];

const ROOT = new URL('../../../', import.meta.url);

/** Fails loudly when the product no longer holds the text that the mutant changes. */
export function checkMutant({ name, file, fragment }: Mutant): void {
  const found = readFileSync(fileURLToPath(new URL(file, ROOT)), 'utf8').split(fragment).length - 1;
  if (found !== 1)
    throw new Error(`mutant ${name}: its text is ${String(found)} times in ${file}, and not once. Mend load/src/chaos/mutants.ts.`);
}

/** What makes a Node process load the mutant. */
export function argumentsFor({ name }: Mutant): string[] {
  const loader = new URL('./mutant-loader.js', import.meta.url);
  loader.search = name;
  return ['--import', loader.href];
}
