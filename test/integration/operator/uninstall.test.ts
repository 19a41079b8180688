import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { resolveBinaries } from '../../../sandbox/binaries/resolve.ts';
import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { startOperatorProcess } from '../../../sandbox/operator/operator.ts';
import { connectionObjects, leaseManifest, startStage, type Stage } from '../../support/stage.ts';

const root = path.join(import.meta.dirname, '..', '..', '..');
const run = promisify(execFile);

/** The lines of the two blocks of commands below a heading of docs/operations.md. */
async function commandsBelow(heading: string): Promise<readonly (readonly string[])[]> {
  const page = await readFile(path.join(root, 'docs', 'operations.md'), 'utf8');
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = '']) => block.trim().split('\n'));
}

/** What docs/operations.md says of an uninstall, in its own words. */
describe('the check that nothing is left', () => {
  let stage: Stage;
  let environment: NodeJS.ProcessEnv;

  beforeAll(async () => {
    stage = await startStage();
    const { kubectl } = await resolveBinaries(['kubectl']);
    environment = {
      PATH: `${path.dirname(kubectl)}:${String(process.env['PATH'])}`,
      KUBECONFIG: stage.plane.kubeconfig,
      // kubectl keeps what it has discovered there.
      HOME: stage.plane.directory,
    };
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  /** What a line prints for a person; grep that finds nothing is no fault. */
  const printed = async (line: string): Promise<string> =>
    (await run('/bin/sh', ['-c', `${line} || true`], { env: environment })).stdout;

  it('finds what is there, and nothing when all of it has been taken away', async () => {
    const blocks = await commandsBelow('That nothing is left');
    expect(blocks.map((lines) => lines.length)).toEqual([3, 3]);
    const [afterDrain = [], afterUninstall = []] = blocks;
    await stage.apply(...connectionObjects(stage), leaseManifest('orders'));
    const operator = await stage.startOperator({ election: true });
    await stage.untilReady('orders');
    for (const line of [...afterDrain, ...afterUninstall])
      await awaitCondition(async () => (await printed(line)) !== '', { what: `${line} to find something` });

    const { kubeconfig } = stage.plane;
    const entry = [path.join(root, 'src', 'main.ts'), 'drain'] as const;
    await using drainage = startOperatorProcess({ kubeconfig, entry, flags: ['--timeout', '60s'] });
    expect(await drainage.ended()).toBe(0);
    for (const line of afterDrain) expect([line, await printed(line)]).toEqual([line, '']);

    await operator.stop();
    await stage.kubectl('delete', '-f', path.join(root, 'deploy', 'rbac.yaml'), '--timeout=60s');
    await stage.kubectl('delete', '-f', path.join(root, 'crds'), '--timeout=60s');
    for (const line of afterUninstall) expect([line, await printed(line)]).toEqual([line, '']);
  });
});
