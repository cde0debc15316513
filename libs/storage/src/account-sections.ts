/** A part of an account's export. All of it is our own text: nothing of a request gets into these statements. */
export interface AccountSection {
  readonly table: string;
  /** Columns that order the rows, with the types that their texts are read back as. */
  readonly key: readonly (readonly [column: string, type: string])[];
  /** Columns that open something, or only name rows inside of the database. */
  readonly omit?: readonly string[];
  /** Columns to be written in another way: bytes as 0x-hex, wide numbers as texts. */
  readonly instead?: Readonly<Record<string, string>>;
  /** Whose rows: a condition on `t`, with $1 the creator. */
  readonly whose?: string;
}

const hex = (...columns: string[]): Record<string, string> =>
  Object.fromEntries(columns.map((column) => [column, `'0x' || encode(t.${column}, 'hex')`]));
const byId: AccountSection['key'] = [['id', 'uuid']];
const byTime: AccountSection['key'] = [
  ['created_at', 'timestamptz'],
  ['id', 'uuid'],
];

/** Everything that is held of an account; a table of a creator's that is neither here nor in `NOT_EXPORTED` fails a test. */
export const ACCOUNT_SECTIONS: Readonly<Record<string, AccountSection>> = {
  profile: { table: 'creators', key: byId, whose: 't.id = $1' },
  wallets: { table: 'creator_wallets', key: [['address', 'bytea']], omit: ['creator_id'], instead: hex('address') },
  formerWallets: { table: 'former_wallets', key: [['address', 'bytea']], omit: ['creator_id'], instead: hex('address') },
  overlays: { table: 'overlays', key: byTime, omit: ['creator_id'] },
  accessTokens: { table: 'access_tokens', key: byTime, omit: ['creator_id', 'hash'] },
  sessions: { table: 'sessions', key: byTime, omit: ['creator_id', 'secret_hash'] },
  audit: {
    table: 'audit_entries',
    key: [
      ['at', 'timestamptz'],
      ['id', 'uuid'],
    ],
    omit: ['creator_id'],
  },
  tips: {
    table: 'tips',
    key: [
      ['wallet', 'bytea'],
      ['block_time_ms', 'bigint'],
      ['chain_id', 'bigint'],
      ['block_number', 'bigint'],
      ['log_index', 'int'],
      ['tx_hash', 'bytea'],
    ],
    omit: ['told_to', 'valued_block'],
    instead: {
      ...hex('tx_hash', 'wallet', 'sender', 'token', 'ref', 'block_hash'),
      amount: 't.amount::text',
      usd: '(SELECT v.usd::text FROM tip_values v WHERE (v.chain_id, v.tx_hash, v.ordinal) = (t.chain_id, t.tx_hash, t.ordinal))',
    },
    whose: 't.wallet IN (SELECT address FROM creator_wallets WHERE creator_id = $1)',
  },
  assets: {
    table: 'assets',
    key: [['nth', 'bigint']],
    omit: ['creator_id', 'nth', 'source_hash'],
    instead: { file: `'/overlay/media/' || t.id` },
  },
  moderation: { table: 'moderation_rules', key: [['creator_id', 'uuid']], omit: ['creator_id'] },
  webhooks: { table: 'webhooks', key: byTime, omit: ['creator_id', 'secret', 'old_secret'] },
  webhookDeliveries: {
    table: 'webhook_deliveries',
    key: [
      ['webhook_id', 'uuid'],
      ['nth', 'bigint'],
    ],
    whose: 't.webhook_id IN (SELECT id FROM webhooks WHERE creator_id = $1)',
  },
  events: { table: 'creator_events', key: [['seq', 'bigint']], omit: ['creator_id'] },
};

/** Tables with a creator in them that say nothing about him. */
export const NOT_EXPORTED: Readonly<Record<string, string>> = {
  creator_streams: 'where his stream is',
  idempotency_keys: 'answers of the last day, which may hold secrets that are shown once',
  erased_accounts: 'accounts that are gone',
  export_turns: 'who is exporting just now',
  feed_streams: 'where his feed is, until it is not used for a while',
  feed_grants: 'what the overlays say themselves, until his feed is not used for a while',
  widget_notes: 'parts of the sums of his tips, on their way into them',
  widget_sums: 'sums of his tips, which the tips say themselves',
};

/** $1 creator, $2 limit, then the key of the last row before as texts. Gives `json`, and the key as texts in `place`. */
export function sectionStatement(
  { table, key, omit = [], instead = {}, whose = 't.creator_id = $1' }: AccountSection,
  isFirst: boolean,
): string {
  const columns = key.map(([column]) => `t.${column}`).join(', ');
  const place = key.map(([, type], n) => `$${String(n + 3)}::text::${type}`).join(', ');
  const left = omit.length === 0 ? '' : ` - ARRAY[${omit.map((column) => `'${column}'`).join(', ')}]`;
  const written = Object.entries(instead).map(([column, value]) => `'${column}', ${value}`);
  const over = written.length === 0 ? '' : ` || jsonb_build_object(${written.join(', ')})`;
  return `
SELECT ((to_jsonb(t)${left})${over})::text AS json, ARRAY[${key.map(([column]) => `t.${column}::text`).join(', ')}] AS place FROM ${table} t
WHERE ${whose}${isFirst ? '' : ` AND (${columns}) > (${place})`} ORDER BY ${columns} LIMIT $2`;
}
