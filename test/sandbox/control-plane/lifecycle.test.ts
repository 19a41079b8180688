import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
} from '../../../sandbox/control-plane/control-plane.ts';
import { temporaryFolder } from './support/folders.ts';
import { processesNaming } from './support/processes.ts';

/** Without the controllers, which these tests have no use for. */
async function start(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const controlPlane = await startControlPlane({ controllerManager: false, ...options });
  onTestFinished(() => controlPlane.stop());
  return controlPlane;
}

/** Whether neither a process nor the folder is left of a control plane. */
function isWithoutTrace(directory: string): boolean {
  return processesNaming(directory).length === 0 && !existsSync(directory);
}

describe('the end', () => {
  test('stop leaves no process and no folder, and may be called again', async () => {
    const controlPlane = await start({ controllerManager: true });
    const { directory } = controlPlane;
    expect(controlPlane.processes().map(({ name }) => name)).toEqual([
      'etcd',
      'kube-apiserver',
      'kube-controller-manager',
    ]);
    expect(processesNaming(directory).length).toBeGreaterThanOrEqual(3);
    await controlPlane.stop();
    expect(processesNaming(directory)).toEqual([]);
    expect(existsSync(directory)).toBe(false);
    await controlPlane.stop();
  });

  test('stop works while kube-apiserver is paused', async () => {
    const controlPlane = await start();
    controlPlane.pauseApiServer();
    await controlPlane.stop();
    expect(isWithoutTrace(controlPlane.directory)).toBe(true);
  });

  test('a start that fails says why and leaves nothing', async () => {
    const directory = path.join(await temporaryFolder(), 'failing');
    const failing = start({ directory, extraApiServerArgs: ['--no-such-flag'] });
    await expect(failing).rejects.toThrow('unknown flag: --no-such-flag');
    expect(isWithoutTrace(directory)).toBe(true);
  });

  test.each<{ signal: NodeJS.Signals; how: string }>([
    { signal: 'SIGKILL', how: 'killed' },
    { signal: 'SIGTERM', how: 'asked to end' },
    { signal: 'SIGINT', how: 'interrupted' },
  ])('a parent that is $how leaves no process and no folder', async ({ signal }) => {
    const parent = spawn(
      process.execPath,
      [path.join(import.meta.dirname, 'support', 'starting-process.ts')],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    onTestFinished(() => void parent.kill('SIGKILL'));
    const directory = await firstLine(parent);
    expect(processesNaming(directory).length).toBeGreaterThanOrEqual(3);
    parent.kill(signal);
    await once(parent, 'exit');
    expect(parent.signalCode).toBe(signal);
    await awaitCondition(async () => isWithoutTrace(directory), { what: 'processes and folder to be gone' });
  });
});

async function firstLine(child: ChildProcessByStdio<null, Readable, null>): Promise<string> {
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error('the process ended without a word');
}

describe('faults', () => {
  let controlPlane: ControlPlane;

  beforeAll(async () => {
    controlPlane = await startControlPlane({ controllerManager: false });
    await create('kept');
  });

  afterAll(async () => {
    await controlPlane.stop();
  });

  async function create(name: string): Promise<number | null> {
    return (await controlPlane.kubectlRun(['create', 'configmap', name])).exitCode;
  }

  async function names(): Promise<string> {
    return (await controlPlane.kubectlRun(['get', 'configmaps', '-o', 'name'])).stdout;
  }

  test.each([
    ['kube-apiserver, in order', () => controlPlane.restartApiServer()],
    ['kube-apiserver, by a crash', () => controlPlane.restartApiServer('SIGKILL')],
    ['etcd, by a crash', () => controlPlane.restartEtcd('SIGKILL')],
  ])('a restart of %s keeps data and address', async (_name, restart) => {
    const before = controlPlane.processes();
    await restart();
    await expect(names()).resolves.toContain('configmap/kept\n');
    expect(controlPlane.processes()).not.toEqual(before);
    expect(controlPlane.processes()).toHaveLength(2);
  });

  test('a paused kube-apiserver is silent and goes on where it was', async () => {
    controlPlane.pauseApiServer();
    const silent = await controlPlane.kubectlRun(['get', 'configmaps', '--request-timeout=500ms']);
    controlPlane.resumeApiServer();
    expect(silent.exitCode).toBe(1);
    await expect(names()).resolves.toContain('configmap/kept\n');
  });

  test('a stopped kube-apiserver refuses connections until it is started', async () => {
    await controlPlane.stopApiServer();
    const refused = await controlPlane.kubectlRun(['get', 'configmaps']);
    await controlPlane.startApiServer();
    expect(refused.stderr).toContain('connection');
    await expect(names()).resolves.toContain('configmap/kept\n');
  });
});

describe('the folder', () => {
  test('one that is kept has its objects again', async () => {
    const directory = path.join(await temporaryFolder(), 'kept');
    const first = await start({ directory, keepData: true });
    await first.kubectlRun(['create', 'configmap', 'kept']);
    await first.stop();
    const second = await start({ directory });
    const { stdout } = await second.kubectlRun(['get', 'configmaps', '-o', 'name']);
    expect(stdout).toContain('configmap/kept\n');
    await second.stop();
    expect(existsSync(directory)).toBe(false);
  });

  test('one that holds something else is left alone', async () => {
    const directory = await temporaryFolder();
    const file = path.join(directory, 'thesis.txt');
    await writeFile(file, 'mine');
    await expect(start({ directory })).rejects.toThrow('is left alone');
    expect(existsSync(file)).toBe(true);
  });
});
