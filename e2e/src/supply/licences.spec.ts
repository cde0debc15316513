import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { ROOT } from '../houses/app-process.js';
import { APPS, inImageOf, isForeign, neededBy, readLock, type Locked } from './lock.js';

/** Licences that ask for their text to come along, and for nothing that changes how Droppio may be used. */
const ALLOWED = new Set(['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', 'Python-2.0', 'OFL-1.1']);
/** What else is there, and why it may be: docs/dependencies.md says more. */
const EXCEPTIONS: readonly { readonly name: RegExp; readonly licence: string | undefined; readonly why: string }[] = [
  {
    name: /^@img\/sharp-libvips-/,
    licence: 'LGPL-3.0-or-later',
    why: 'a shared library in a package of its own, which anybody may replace',
  },
  { name: /^@img\/sharp-win32-/, licence: 'Apache-2.0 AND LGPL-3.0-or-later', why: 'the same library beside its binding' },
  {
    name: /^@img\/sharp-wasm32$/,
    licence: 'Apache-2.0 AND LGPL-3.0-or-later AND MIT',
    why: 'the same library, for machines without binaries',
  },
  {
    name: /^(?:busboy|streamsearch)$/,
    licence: undefined,
    why: 'MIT, written in a field of 2012 that npm does not read; the file is there',
  },
];
/** Packages for this machine that hold no file with their licence. */
const WITHOUT_FILE = new Map([
  [
    '@img/sharp-libvips-linux-x64',
    'its README names the licence of every part; Debian has the texts of GPL and LGPL in /usr/share/common-licenses',
  ],
  ['@msgpackr-extract/msgpackr-extract-linux-x64', 'MIT; the text is in msgpackr-extract beside it, whose binary this is'],
]);

const lock = readLock();
const given = [...new Set(APPS.flatMap((app) => [...inImageOf(lock, app), ...neededBy(lock, [`apps/${app}`])]))].filter(isForeign);
const nameOf = ({ id }: Locked): string => id.slice(0, id.lastIndexOf('@'));

/** `A OR B`: one must be allowed; `A AND B`: all. */
function isAllowed(expression: string | undefined): boolean {
  return (expression ?? '')
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((part) => ALLOWED.has(part)));
}

const exceptionOf = (part: Locked) => EXCEPTIONS.find(({ name, licence }) => name.test(nameOf(part)) && licence === part.license);

describe('what is given away with Droppio', () => {
  it('is under licences that are allowed, or excepted by name', () => {
    expect(given.length).toBeGreaterThan(200);
    const others = given.filter((part) => !isAllowed(part.license) && exceptionOf(part) === undefined);
    expect(others.map(({ id, license }) => `${id}: ${license ?? 'none'}`)).toEqual([]);
  });

  it('needs every exception', () => {
    for (const exception of EXCEPTIONS)
      expect(
        given.some((part) => exceptionOf(part) === exception),
        exception.name.source,
      ).toBe(true);
  });

  it.each([
    ['GPL-3.0-only', false],
    ['AGPL-3.0-or-later', false],
    ['MIT AND GPL-2.0-only', false],
    ['(MIT OR GPL-2.0-only)', true],
    ['UNLICENSED', false],
    [undefined, false],
  ])('could not be under %s: allowed %s', (expression, allowed) => {
    expect(isAllowed(expression)).toBe(allowed);
  });

  it('brings the text of its licence along', () => {
    const here = given.filter(({ path }) => existsSync(resolve(ROOT, path)));
    const bare = here.filter(({ path }) => !readdirSync(resolve(ROOT, path)).some((file) => /^(?:licen[cs]e|copying)/i.test(file)));
    // Fewer on machines for which other packages are made.
    const silent = bare.filter((part) => !WITHOUT_FILE.has(nameOf(part)) && !mitInReadme(part));
    expect(silent.map(({ id }) => id)).toEqual([]);
  });
});

/** Some small ones have the whole text at the end of their README. */
function mitInReadme({ path }: Locked): boolean {
  const file = readdirSync(resolve(ROOT, path)).find((name) => /^readme/i.test(name));
  return file !== undefined && /licen[cs]e/i.test(readFileSync(resolve(ROOT, path, file), 'utf8'));
}

describe('the page', () => {
  const folder = resolve(ROOT, 'apps/overlay/public');
  const notices = readdirSync(folder)
    .filter((file) => file.endsWith('.txt'))
    .map((file) => readFileSync(resolve(folder, file), 'utf8'))
    .join('\n');
  const words = (text: string): string => text.replace(/\s+/g, ' ').trim();

  it.each([...neededBy(lock, ['apps/overlay'])].filter(isForeign).map((part) => [part.id, part] as const))(
    'is sent with the licence of %s, which is built into it',
    (_id, { path }) => {
      const file = readdirSync(resolve(ROOT, path)).find((name) => /^licen[cs]e/i.test(name)) ?? '';
      const [first = ''] = readFileSync(resolve(ROOT, path, file), 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('Copyright'));
      expect(words(notices)).toContain(words(first));
      const Manifest = z.looseObject({ license: z.string() });
      const { license } = Manifest.parse(JSON.parse(readFileSync(resolve(ROOT, path, 'package.json'), 'utf8')));
      expect(notices).toContain(
        { 'OFL-1.1': 'SIL OPEN FONT LICENSE Version 1.1', MIT: 'Permission is hereby granted, free of charge' }[license],
      );
    },
  );
});
