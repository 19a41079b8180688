import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { z } from 'zod';

import { signalGroup, spawnBound } from '../../sandbox/binaries/bound-process.ts';
import { createAdminClient } from '../../sandbox/lease-api/admin-client.ts';
import type { Control } from '../../sandbox/lease-api/control.ts';

const MAIN = join(import.meta.dirname, '../../sandbox/lease-api/main.ts');
const announcement = z.object({ url: z.url(), adminUrl: z.url(), pid: z.number() });

/** A lease API in a process of its own: what it costs is not the operator's, and not the bench's. */
export interface LeaseApiProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly control: Control;
}

/** @param writeLimit writes a minute for each route; undefined: no limits. */
export async function startLeaseApiProcess(writeLimit?: number): Promise<LeaseApiProcess> {
  const limits = writeLimit === undefined ? [] : ['--write-limit', String(writeLimit)];
  const child = spawnBound(process.execPath, [MAIN, ...limits], { stdout: 'pipe', stderr: 'ignore' });
  if (child.stdout === null) throw new Error('The lease API was started without its output.');
  const [line] = z.tuple([z.string()]).parse(await once(createInterface({ input: child.stdout }), 'line'));
  const { url, adminUrl, pid } = announcement.parse(JSON.parse(line));
  return {
    url,
    pid,
    control: createAdminClient(adminUrl),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      signalGroup(child, 'SIGKILL');
      await ended;
    },
  };
}
