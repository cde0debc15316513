import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Patch {
  /** Compiled file, from the root of the repository. */
  readonly file: string;
  /** Found exactly once, or the build is none. */
  readonly fragment: string;
  readonly instead: string;
}

/** The product as somebody might have built it, with one idea of DESIGN.md left out. The proof must turn red on it. */
export interface BadBuild {
  readonly name: string;
  readonly says: string;
  readonly patches: readonly Patch[];
  readonly extraSql: string;
  /** Where it shows. */
  readonly scenario: number;
}

/** A sequence for every creator, begun behind the event that the creator's newest overlay was made with. */
const SEQUENCES = `
CREATE FUNCTION proof_sequence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE SEQUENCE IF NOT EXISTS %I', 'proof_seq_' || NEW.creator_id);
  PERFORM setval(format('%I', 'proof_seq_' || NEW.creator_id)::regclass, head) FROM creator_streams WHERE creator_id = NEW.creator_id;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER proof_sequence AFTER INSERT ON overlays DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION proof_sequence()`;

export const BAD_BUILDS: readonly BadBuild[] = [
  {
    name: 'pubsub-only',
    says: 'gateways pass on what is published and read nothing again',
    patches: [
      { file: 'libs/delivery/dist/feed-follower.js', fragment: 'if (event.seq === seq + 1)', instead: 'if (event.seq > seq)' },
      { file: 'libs/delivery/dist/feed-follower.js', fragment: 'if (this.healing === undefined)', instead: 'if (false)' },
      { file: 'libs/delivery/dist/resumption.js', fragment: 'if (cursor === undefined) {', instead: 'if (true) {' },
    ],
    extraSql: '',
    scenario: 6,
  },
  {
    name: 'log-index',
    says: 'tips are named by log index, not by their rank in the transaction',
    patches: [
      {
        file: 'libs/chain/dist/sight-tips.js',
        fragment: 'tipOf({ txHash, ordinal, logIndex }, raw)',
        instead: 'tipOf({ txHash, logIndex, logIndex: ordinal }, raw)',
      },
    ],
    extraSql: '',
    scenario: 18,
  },
  {
    name: 'sequence',
    says: 'seq comes from a SEQUENCE, not from the row of the stream',
    patches: [
      {
        file: 'libs/storage/dist/tip-statements.js',
        fragment: 'bumped.base + row_number() OVER (PARTITION BY news.creator_id ORDER BY nth) AS seq',
        instead: `nextval(format('%I', 'proof_seq_' || news.creator_id)::regclass) AS seq`,
      },
    ],
    extraSql: SEQUENCES,
    scenario: 8,
  },
  {
    name: 'no-resume-buffer',
    says: 'what comes while a client resumes, and what is kept for that, is left out of its answer',
    patches: [{ file: 'libs/delivery/dist/resumption.js', fragment: '[...read, ...rest]', instead: '[...read]' }],
    extraSql: '',
    scenario: 20,
  },
];

const ROOT = new URL('../../../../', import.meta.url);

/** Fails loudly when the product no longer holds the text that the build changes. */
export function checkBuild({ name, patches }: BadBuild): void {
  for (const { file, fragment } of patches) {
    const found = readFileSync(fileURLToPath(new URL(file, ROOT)), 'utf8').split(fragment).length - 1;
    if (found !== 1)
      throw new Error(
        `bad build ${name}: its text is ${String(found)} times in ${file}, and not once. Mend load/src/proof/known-bad/builds.ts.`,
      );
  }
}

/** What makes a Node process load it. */
export function optionsFor({ name }: BadBuild): string {
  const loader = new URL('./loader.js', import.meta.url);
  loader.search = name;
  return `--import=${loader.href}`;
}
