import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { canReach, unprivilegedAccount } from '../../../sandbox/postgres/account.ts';
import { locateBinaries } from '../../../sandbox/postgres/binaries.ts';

/** An account that owns nothing and shares no group. */
const stranger = { uid: 54_321, gid: 54_321 };
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'leaseholder-test-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function program(folderMode: number, fileMode: number): string {
  const inner = join(folder, 'bin');
  mkdirSync(inner);
  writeFileSync(join(inner, 'program'), '');
  chmodSync(join(inner, 'program'), fileMode);
  chmodSync(inner, folderMode);
  chmodSync(folder, 0o755);
  return join(inner, 'program');
}

/** A package as npm leaves it when it runs no install scripts: without its links. */
function packaged(mode: number): string {
  const native = join(folder, 'package', 'native');
  mkdirSync(join(native, 'bin'), { recursive: true });
  mkdirSync(join(native, 'lib'));
  for (const name of ['bin/postgres', 'bin/initdb']) writeFileSync(join(native, name), '', { mode: 0o755 });
  writeFileSync(join(native, 'lib/libpq.so.5.18'), 'library');
  const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }];
  writeFileSync(join(native, 'pg-symlinks.json'), JSON.stringify(links));
  chmodSync(join(folder, 'package'), mode);
  chmodSync(folder, 0o755);
  return native;
}

function scratch(): string {
  const path = join(folder, 'scratch');
  mkdirSync(path);
  return path;
}

describe('an account can reach a program', () => {
  test.for([
    [0o755, 0o755, true],
    [0o711, 0o711, true],
    [0o700, 0o755, false],
    [0o755, 0o744, false],
  ] as const)('in a folder with mode %o as a file with mode %o: %s', ([folderMode, fileMode, reached]) => {
    expect(canReach(program(folderMode, fileMode), stranger)).toBe(reached);
  });

  test('as its owner by the owner’s bits', () => {
    const path = program(0o711, 0o700);
    const { uid, gid } = statSync(path);
    expect(canReach(path, { uid, gid })).toBe(true);
  });
});

describe('the programs', () => {
  test('are used where they are if the package is complete', () => {
    const native = packaged(0o755);
    symlinkSync('libpq.so.5.18', join(native, 'lib/libpq.so.5'));
    expect(locateBinaries(stranger, scratch(), native).postgres).toBe(join(native, 'bin/postgres'));
  });

  test('are copied if the account cannot reach them', () => {
    const native = packaged(0o700);
    symlinkSync('libpq.so.5.18', join(native, 'lib/libpq.so.5'));
    const { postgres } = locateBinaries(stranger, scratch(), native);
    expect(postgres).toBe(join(folder, 'scratch/native/bin/postgres'));
    expect(canReach(postgres, stranger)).toBe(true);
    expect(readlinkSync(join(folder, 'scratch/native/lib/libpq.so.5'))).toBe('libpq.so.5.18');
  });

  test('are copied and given their links if the package has none', () => {
    locateBinaries(undefined, scratch(), packaged(0o755));
    expect(readFileSync(join(folder, 'scratch/native/lib/libpq.so.5'), 'utf8')).toBe('library');
  });

  test('of the installed package are there', () => {
    const { initdb, postgres } = locateBinaries(undefined, scratch());
    expect([existsSync(initdb), existsSync(postgres)]).toEqual([true, true]);
  });
});

test('under root the account is one that is not root', () => {
  const account = unprivilegedAccount();
  const expected = process.getuid?.() === 0 ? { uid: 65_534 } : undefined;
  expect(account?.uid).toBe(expected?.uid);
});
