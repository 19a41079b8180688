import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { withLock } from '../../../sandbox/binaries/lock.ts';
import { temporaryFolder } from './support/folders.ts';

async function lockFile(): Promise<string> {
  return path.join(await temporaryFolder(), '.lock');
}

async function deadPid(): Promise<number> {
  const child = spawn('true', { stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid ?? 0;
}

function livingPid(): number {
  const child = spawn('sleep', ['300'], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child.pid ?? 0;
}

const leftBehind: Record<string, () => Promise<string>> = {
  'by a process that is dead': async () => `${await deadPid()}\n`,
  'without a pid in it': () => Promise.resolve('half a li'),
  empty: () => Promise.resolve(''),
};

test.each(Object.entries(leftBehind))('a lock left %s is taken over', async (_name, content) => {
  const file = await lockFile();
  await writeFile(file, await content());
  const waits: number[] = [];
  const holder = await withLock(file, { onWait: (owner) => waits.push(owner) }, () => readFile(file, 'utf8'));
  expect(holder).toBe(`${process.pid}\n`);
  expect(waits).toEqual([]);
  await expect(readdir(path.dirname(file))).resolves.toEqual([]);
});

test('a lock whose owner gives no sign of life is taken over, though its pid is in use', async () => {
  const file = await lockFile();
  await writeFile(file, `${livingPid()}\n`);
  const past = new Date(Date.now() - 120_000);
  await utimes(file, past, past);
  await expect(withLock(file, { onWait: () => undefined }, () => Promise.resolve('held'))).resolves.toBe(
    'held',
  );
});

test('a lock of a living process is waited for', async () => {
  const file = await lockFile();
  const owner = livingPid();
  await writeFile(file, `${owner}\n`);
  const waits: number[] = [];
  const onWait = (pid: number): void => {
    waits.push(pid);
    void rm(file);
  };
  await expect(withLock(file, { onWait, pollMs: 5 }, () => Promise.resolve('held'))).resolves.toBe('held');
  expect(waits).toEqual([owner]);
});

test('a lock that is never given back is not waited for without end', async () => {
  const file = await lockFile();
  await writeFile(file, `${livingPid()}\n`);
  const options = { onWait: () => undefined, pollMs: 5, waitMs: 20 };
  await expect(withLock(file, options, () => Promise.resolve('held'))).rejects.toThrow('for too long');
});

test('holders never overlap, and a failed one gives the lock back', async () => {
  const file = await lockFile();
  let inside = 0;
  let most = 0;
  const work = async (fails: boolean): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    await readFile(file);
    inside -= 1;
    if (fails) throw new Error('work failed');
  };
  const options = { onWait: () => undefined, pollMs: 1 };
  const runs = Array.from({ length: 8 }, (_, index) => withLock(file, options, () => work(index % 2 === 0)));
  const results = await Promise.allSettled(runs);
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(4);
  expect(most).toBe(1);
});
