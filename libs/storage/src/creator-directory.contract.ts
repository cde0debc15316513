import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Conflict, DEFAULT_OVERLAY_CONFIG, LimitReached, NotFound, OVERLAYS_MAX, type Creator, type NewCreator } from '@droppio/tips';
import { aDisplay, randomHex } from '@droppio/tips/testing';
import { aCreator } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';

const STRANGER = '00000000-0000-4000-8000-000000000000';

function newCreator(fields: Partial<NewCreator> = {}): NewCreator & Required<Omit<NewCreator, 'provenOn'>> {
  return {
    handle: `c-${randomHex(8).slice(2)}`,
    displayName: 'Ada',
    wallets: [randomHex(20)],
    accessTokenHash: Buffer.from(randomHex(32).slice(2), 'hex'),
    ...fields,
  };
}

export function describeCreatorDirectory(where: string, make: () => Promise<TestStorage>): void {
  describe(`CreatorDirectory on ${where}`, () => {
    let storage: TestStorage;
    let creator: Creator;

    beforeAll(async () => {
      storage = await make();
    });
    afterAll(async () => {
      await storage.drop();
    });
    beforeEach(async () => {
      creator = await aCreator(storage, 2);
    });

    const events = (after = 0) => storage.ledger.eventsAfter(creator.id, after, 1000);
    const overlayOf = (owner = creator) => storage.directory.createOverlay(owner.id, 'main', DEFAULT_OVERLAY_CONFIG);

    describe('creators', () => {
      it('makes a creator with a stream of its own, found by id and by the hash of its token', async () => {
        const wanted = newCreator({ wallets: [randomHex(20), randomHex(20)] });
        const made = await storage.directory.createCreator(wanted);
        expect(made).toMatchObject({ handle: wanted.handle, displayName: 'Ada', wallets: wanted.wallets });
        expect(await storage.directory.creator(made.id)).toEqual(made);
        expect((await storage.tokens.use(wanted.accessTokenHash))?.creatorId).toBe(made.id);
        for (const wallet of wanted.wallets) expect(await storage.directory.creatorByWallet(wallet)).toEqual(made);
        const position = await storage.ledger.position(made.id);
        expect(position?.seq).toBe(0);
        expect(position?.epoch).toMatch(/^[\w-]{8,12}$/);
        expect(position?.epoch).not.toBe((await storage.ledger.position(creator.id))?.epoch);
      });

      it('takes a wallet that is named twice once', async () => {
        const wallet = randomHex(20);
        expect((await storage.directory.createCreator(newCreator({ wallets: [wallet, wallet] }))).wallets).toEqual([wallet]);
      });

      it('makes a creator without an access token', async () => {
        const { handle, displayName, wallets } = newCreator();
        const made = await storage.directory.createCreator({ handle, displayName, wallets });
        expect(await storage.directory.creatorByWallet(made.wallets[0] ?? '0x')).toEqual(made);
        expect(await storage.tokens.list(made.id)).toEqual([]);
      });

      it('knows no strangers', async () => {
        expect(await storage.directory.creatorByWallet(randomHex(20))).toBeUndefined();
        expect(await storage.directory.creator(STRANGER)).toBeUndefined();
        expect(await storage.directory.creator("'; drop table creators")).toBeUndefined();
      });

      it('refuses a second creator with the same handle, wallet or token, and says which; nothing is left of it', async () => {
        const [first, second] = [newCreator(), newCreator()];
        await storage.directory.createCreator(first);
        const refused = (fields: Partial<NewCreator>) => storage.directory.createCreator({ ...second, ...fields });
        await expect(refused({ handle: first.handle })).rejects.toThrow('The handle is taken.');
        await expect(refused({ wallets: first.wallets })).rejects.toThrow('A wallet belongs to another creator.');
        await expect(refused({ accessTokenHash: first.accessTokenHash })).rejects.toThrow(Conflict);
        expect((await storage.directory.createCreator(second)).handle).toBe(second.handle);
      });

      it('changes what it is asked to, and frees the old handle', async () => {
        const handle = newCreator().handle;
        expect(creator.listed).toBe(false);
        const changed = await storage.directory.changeCreator(creator.id, { handle, listed: true, alertAfter: 3, displayName: 'Bea' });
        expect(changed).toEqual({ ...creator, handle, listed: true, alertAfter: 3, displayName: 'Bea' });
        expect(await storage.directory.changeCreator(creator.id, {})).toEqual(changed);
        expect(await storage.directory.creatorByHandle(handle)).toEqual(changed);
        expect(await storage.directory.creatorByHandle(creator.handle)).toBeUndefined();
        const next = await storage.directory.createCreator(newCreator({ handle: creator.handle }));
        await expect(storage.directory.changeCreator(next.id, { handle, displayName: 'Cy' })).rejects.toThrow('The handle is taken.');
        expect(await storage.directory.creator(next.id)).toEqual(next);
      });

      it('lets one of many that want a handle at once have it', async () => {
        const handle = newCreator().handle;
        const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => storage.directory.createCreator(newCreator({ handle }))));
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(Conflict);
      });
    });

    describe('overlays', () => {
      it('commits a grant for open gateways with each new overlay', async () => {
        const overlay = await overlayOf();
        expect(overlay).toMatchObject({ creatorId: creator.id, name: 'main', enabled: true, version: 1, config: DEFAULT_OVERLAY_CONFIG });
        expect(await storage.directory.overlay(creator.id, overlay.id)).toEqual(overlay);
        const [event] = await events();
        expect(event).toMatchObject({ seq: 1, id: overlay.id, type: 'config', at: { seen: expect.any(Number) as number } });
        expect(event?.d).toEqual({ overlayId: overlay.id, version: 1, enabled: true, config: DEFAULT_OVERLAY_CONFIG });
      });

      it('lists the overlays of their creator only, oldest first', async () => {
        const made = [await overlayOf(), await overlayOf()];
        await overlayOf(await aCreator(storage));
        expect(await storage.directory.overlays(creator.id)).toEqual(made);
        expect(await storage.directory.overlays('nobody')).toEqual([]);
      });

      it('keeps to the bound when many are made at once', async () => {
        const there = `INSERT INTO overlays (id, creator_id, name, config) SELECT gen_random_uuid(), $1, 'there', $2 FROM generate_series(1, $3::int)`;
        await storage.database.run(there, [creator.id, JSON.stringify(DEFAULT_OVERLAY_CONFIG), OVERLAYS_MAX - 4]);
        const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => overlayOf()));
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
        for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(LimitReached);
        expect(await storage.directory.overlays(creator.id)).toHaveLength(OVERLAYS_MAX);
        expect(await events()).toHaveLength(4);
      });

      it('tells of every change that an open overlay must learn, and of no other', async () => {
        const { id } = await overlayOf();
        const change = (fields: Parameters<typeof storage.directory.changeOverlay>[2]) =>
          storage.directory.changeOverlay(creator.id, id, fields);
        expect(await change({ name: 'second screen' })).toMatchObject({ name: 'second screen', version: 1 });
        expect(await change({ enabled: true })).toMatchObject({ enabled: true });
        expect(await events(1)).toEqual([]);
        expect(await change({ enabled: false })).toMatchObject({ enabled: false, version: 1 });
        expect(await change({ rotate: true })).toMatchObject({ enabled: false, version: 2 });
        const told = await events(1);
        expect(told.map(({ seq, d }) => ({ seq, d }))).toMatchObject([
          { seq: 2, d: { enabled: false, version: 1 } },
          { seq: 3, d: { enabled: false, version: 2 } },
        ]);
        expect((await storage.ledger.snapshot(creator.id, 10))?.grants).toEqual([told.at(-1)?.d]);
      });

      it('keeps the order of seqs and the last state equal when an overlay is changed from many sides at once', async () => {
        const { id } = await overlayOf();
        await Promise.all(Array.from({ length: 20 }, () => storage.directory.changeOverlay(creator.id, id, { rotate: true })));
        const told = await events();
        expect(told.map(({ seq }) => seq)).toEqual(Array.from({ length: 21 }, (_, n) => n + 1));
        expect(told.map((event) => (event.type === 'config' ? event.d.version : 0))).toEqual(told.map(({ seq }) => seq));
        expect((await storage.directory.overlay(creator.id, id))?.version).toBe(21);
      });

      it('commits a test alert for one overlay', async () => {
        const { id } = await overlayOf();
        const display = aDisplay();
        const eventId = await storage.directory.testAlert(creator.id, id, display);
        expect(await events(1)).toMatchObject([{ seq: 2, id: eventId, type: 'test', d: { ...display, overlayId: id } }]);
      });

      it('keeps the overlays of others out of reach', async () => {
        const { id } = await overlayOf();
        const other = await aCreator(storage);
        expect(await storage.directory.overlay(other.id, id)).toBeUndefined();
        await expect(storage.directory.changeOverlay(other.id, id, { rotate: true })).rejects.toThrow(NotFound);
        await expect(storage.directory.testAlert(other.id, id, aDisplay())).rejects.toThrow(NotFound);
        await expect(storage.directory.changeOverlay(creator.id, STRANGER, { enabled: false })).rejects.toThrow(NotFound);
        await expect(storage.directory.createOverlay(STRANGER, 'x', DEFAULT_OVERLAY_CONFIG)).rejects.toThrow(NotFound);
        await expect(storage.directory.createOverlay('no uuid', 'x', DEFAULT_OVERLAY_CONFIG)).rejects.toThrow(NotFound);
        expect(await storage.directory.overlay(creator.id, 'no uuid')).toBeUndefined();
        expect(await storage.ledger.eventsAfter(other.id, 0, 10)).toEqual([]);
      });
    });
  });
}
