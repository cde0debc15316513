import express from 'express';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const app = express();
app.disable('x-powered-by');
app.set('etag', false);

app.get('/overlays/:id', async (request, response) => {
  const { rows } = await pool.query({
    name: 'overlay',
    text: 'SELECT id, name, enabled, version, config, created_at FROM overlays WHERE id = $1',
    values: [request.params.id],
  });
  if (rows.length === 0) response.status(404).end();
  else response.json(rows[0]);
});

app.get('/tips/:chain/:hash/:ordinal', async (request, response) => {
  const { chain, hash, ordinal } = request.params;
  const { rows } = await pool.query({
    name: 'tip',
    text: `SELECT chain_id, '0x' || encode(tx_hash, 'hex') AS tx_hash, ordinal, '0x' || encode(wallet, 'hex') AS wallet, '0x' || encode(sender, 'hex') AS sender,
      amount, message, state, rev, block_number, block_time_ms FROM tips WHERE chain_id = $1 AND tx_hash = $2 AND ordinal = $3`,
    values: [chain, Buffer.from(hash.slice(2), 'hex'), ordinal],
  });
  if (rows.length === 0) response.status(404).end();
  else response.json(rows[0]);
});

const server = app.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
