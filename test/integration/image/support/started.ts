import { once } from 'node:events';
import { readFile } from 'node:fs/promises';

import { signalGroup, spawnBound } from '../../../../sandbox/binaries/bound-process.ts';
import { awaitCondition } from '../../../../sandbox/control-plane/condition.ts';
import { freeAddress } from '../../operator/support/address.ts';
import type { Stage } from './dockerfile.ts';
import { startIn } from './image-root.ts';

/** The image's program, as a process. */
export interface Started extends AsyncDisposable {
  /** The user that it runs as. */
  user(): Promise<number>;
  /** SIGTERM. @returns the exit code */
  stop(): Promise<number | null>;
}

export interface StartOptions {
  /** The root of the image: see `furnishRoot`. */
  readonly root: string;
  /** The last stage of the Dockerfile. */
  readonly stage: Stage;
  /** The URL of the API server. */
  readonly server: string;
}

/** Starts the entrypoint with nothing in its environment but what the image and a pod have, and waits until it is ready and works. */
export async function startImage({ root, stage, server }: StartOptions): Promise<Started> {
  const { address, get } = await freeAddress();
  const command = [...stage.entrypoint, 'run', `--listen=${address}`];
  const { file, args } = startIn(root, stage.user ?? '', command);
  const { hostname, port } = new URL(server);
  const env = {
    PATH: process.env['PATH'],
    ...stage.environment,
    KUBERNETES_SERVICE_HOST: hostname,
    KUBERNETES_SERVICE_PORT: port,
  };
  const child = spawnBound(file, args, { env, stdout: 'pipe', stderr: 'pipe' });
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => printed.push(chunk.toString()));
  const ended = once(child, 'exit');
  const stop = async (): Promise<number | null> => {
    signalGroup(child, 'SIGTERM');
    await ended;
    return child.exitCode;
  };
  try {
    await awaitCondition(
      async () => {
        if (child.exitCode !== null) throw new Error(`The program ended: ${printed.join('')}`);
        const answer = await get('/readyz').catch(() => undefined);
        return answer?.[0] === 200 && printed.join('').includes('The operator is ready.');
      },
      { what: 'the image to be ready' },
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    user: () => userOf(child.pid),
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

/** Outside of Linux a process has the user of the one that started it. */
async function userOf(pid: number | undefined): Promise<number> {
  if (process.platform !== 'linux') return process.getuid?.() ?? Number.NaN;
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  return Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
}
