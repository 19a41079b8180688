import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { PROGRAM, PROGRAM_ENVIRONMENT } from '../../../bench/world/program.ts';
import { startControlPlane, type ControlPlane } from '../../../sandbox/control-plane/control-plane.ts';
import { installOperator } from '../../../sandbox/operator/install.ts';
import { playStages } from './support/build.ts';
import { parseDockerfile, type Stage } from './support/dockerfile.ts';
import { canChangeRoot, furnishRoot } from './support/image-root.ts';
import { startImage } from './support/started.ts';

const root = path.join(import.meta.dirname, '..', '..', '..');
const run = promisify(execFile);

const manifest = z.object({
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
});

const bill = z.looseObject({
  bomFormat: z.literal('CycloneDX'),
  components: z.array(z.looseObject({ name: z.string(), version: z.string() })),
});

function lastOf(stages: readonly Stage[]): Stage {
  const last = stages.at(-1);
  if (last === undefined) throw new Error('The Dockerfile has no stage.');
  return last;
}

/** Milliseconds: an installation and a bundle. */
const BUILDING = 170_000;

/**
 * The image, without a container engine: the Dockerfile's own commands in a clean copy, and its exact entrypoint in a root that
 * nobody may write to. What only an engine shows stays open: the base images themselves.
 */
describe('the image', async () => {
  const stages = parseDockerfile(await readFile(path.join(root, 'Dockerfile'), 'utf8'));
  const last = lastOf(stages);
  const { dependencies, devDependencies } = manifest.parse(
    JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')),
  );
  let folder: string;
  let image: string;
  let plane: ControlPlane;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'leaseholder-image-'));
    // The user of the image is to reach it.
    await chmod(folder, 0o755);
    image = await playStages({ stages, context: root, folder });
    plane = await startControlPlane();
    await installOperator(async (...args) => {
      const { exitCode, stderr } = await plane.kubectlRun(args);
      if (exitCode !== 0) throw new Error(stderr);
    });
  }, BUILDING);
  afterAll(async () => {
    await plane[Symbol.asyncDispose]();
    await run('chmod', ['-R', 'u+w', folder]);
    await rm(folder, { recursive: true });
  });

  it('is built and run on the Node of the project, as nobody, without a shell', () => {
    expect(stages[0]?.image).toBe(`node:${String(devDependencies['node'])}-bookworm-slim`);
    const major = String(devDependencies['node']?.split('.')[0]);
    expect(last.image).toBe(`gcr.io/distroless/nodejs${major}-debian12:nonroot`);
    expect(last.user).toMatch(/^[1-9][0-9]*:[1-9][0-9]*$/);
    expect(last.steps.filter(({ type }) => type === 'run')).toEqual([]);
    expect(last.command[0]).toBe('run');
  });

  it('starts the program as it is measured', () => {
    const flags = PROGRAM.slice(0, -1);
    expect(last.entrypoint).toEqual(['/nodejs/bin/node', ...flags, '/app/main.js']);
    expect(last.environment).toEqual(PROGRAM_ENVIRONMENT);
  });

  it('holds the same bytes as the bundle of another clone, and main.js is below 5 MB', async () => {
    const other = path.join(folder, 'another', 'place');
    await run(process.execPath, [path.join(root, 'tools', 'build.ts'), '--out', other]);
    const built = path.join(image, 'app');
    const names = await readdir(other);
    expect(names).toContain('main.js');
    expect((await readdir(built)).toSorted()).toEqual([...names, 'LICENSE', 'sbom.json'].toSorted());
    for (const name of names)
      expect((await readFile(path.join(built, name))).equals(await readFile(path.join(other, name)))).toBe(
        true,
      );
    expect((await stat(path.join(built, 'main.js'))).size).toBeLessThan(5_000_000);
  });

  it('has a bill of materials: what is used in production, and the same each time', async () => {
    const text = await readFile(path.join(image, 'app', 'sbom.json'), 'utf8');
    const { components } = bill.parse(JSON.parse(text));
    const versions = Object.fromEntries(components.map(({ name, version }) => [name, version]));
    expect(versions).toMatchObject(dependencies);
    for (const name of ['esbuild', 'typescript', 'vitest', 'fastify']) {
      expect(devDependencies).toHaveProperty(name);
      expect(versions).not.toHaveProperty(name);
    }
    const again = path.join(folder, 'again.json');
    await run(process.execPath, [path.join(root, 'tools', 'sbom.ts'), again]);
    expect(await readFile(again, 'utf8')).toBe(text);
  });

  it('is ready beside a real API server, as its user, where nothing can be written', async () => {
    await furnishRoot(image, plane);
    await using program = await startImage({ root: image, stage: last, server: plane.server });
    const user = await program.user();
    expect(user).not.toBe(0);
    expect(user).toBe(canChangeRoot ? Number(last.user?.split(':')[0]) : process.getuid?.());
    expect(await program.stop()).toBe(0);
  });
});
