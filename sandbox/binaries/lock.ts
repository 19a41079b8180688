import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface LockOptions {
  /** Called once, with the owner's pid, when the lock is held by another process. */
  readonly onWait: (owner: number) => void;
  /** How often a waiter looks, in milliseconds. Default 250. */
  readonly pollMs?: number;
  /** After this long without its holder's sign of life a lock counts as left behind. Default 60 s. */
  readonly staleMs?: number;
  /** How long to wait for a living owner before giving up. Default 1 h. */
  readonly waitMs?: number;
}

/**
 * Runs `work` while holding the lock file, which names its owner's pid. A lock whose owner is dead, or gives no
 * sign of life (a pid of another container, or one that is in use again after a reboot), is taken over. Should two
 * processes hold it after all, they do the same work twice: each result is put in place by a rename.
 *
 * @throws Error when a living owner holds it for longer than `waitMs`.
 */
export async function withLock<T>(file: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  await mkdir(path.dirname(file), { recursive: true });
  await acquire(file, options);
  const beat = setInterval(() => void touch(file), 5000);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    if ((await ownerOf(file)) === process.pid) await rm(file, { force: true });
  }
}

async function acquire(file: string, options: LockOptions): Promise<void> {
  const { onWait, pollMs = 250, staleMs = 60_000, waitMs = 3_600_000 } = options;
  const until = Date.now() + waitMs;
  let told = false;
  while (!(await create(file))) {
    if (Date.now() > until) throw new Error(`${file} has been held by others for too long.`);
    const owner = await ownerOf(file);
    if (owner === undefined) continue;
    if (!isAlive(owner) || (await silentFor(file)) > staleMs) {
      await removeIfOwnedBy(file, owner);
      continue;
    }
    if (!told) onWait(owner);
    told = true;
    await delay(pollMs);
  }
}

/** Written under another name and linked, so that the lock file never exists without its content. */
async function create(file: string): Promise<boolean> {
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, `${process.pid}\n`);
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Undefined when there is no lock file. One without a pid in it has the owner 0, who is not alive. */
async function ownerOf(file: string): Promise<number | undefined> {
  try {
    const pid = Number((await readFile(file, 'utf8')).trim());
    return Number.isSafeInteger(pid) ? pid : 0;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Only one of several waiters wins the rename; what it got is put back if it is a newer owner's. */
async function removeIfOwnedBy(file: string, owner: number): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  if ((await ownerOf(aside)) !== owner) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

async function silentFor(file: string): Promise<number> {
  try {
    return Date.now() - (await stat(file)).mtimeMs;
  } catch {
    return 0;
  }
}

async function touch(file: string): Promise<void> {
  const now = new Date();
  await utimes(file, now, now).catch(() => undefined);
}

function isAlive(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
