import { build, type Metafile } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';

import { bundle } from '../../../tools/bundle.ts';

/** Packages that only a login from a cloud needs. */
const CLOUD = /node_modules\/(?:@aws-sdk|@smithy|@aws-crypto|@azure|jsonwebtoken|jws|jwa)\//;

let metafile: Metafile;

beforeAll(async () => {
  ({ metafile } = await build({ ...bundle, outdir: 'dist', write: false }));
});

/** What a start loads: a file, and whatever it imports without waiting to be asked. */
function loadedWith(file: string, seen: Set<string> = new Set()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const { path, kind } of metafile.outputs[file]?.imports ?? [])
    if (kind === 'import-statement') loadedWith(path, seen);
  return seen;
}

/** The sources in files of the bundle. */
function inputsOf(files: Iterable<string>): readonly string[] {
  return [...files].flatMap((file) => Object.keys(metafile.outputs[file]?.inputs ?? {}));
}

describe('the bundle', () => {
  test('has no library of a cloud in what a start loads', () => {
    const inputs = inputsOf(loadedWith('dist/main.js'));
    expect(inputs).toContain('src/infisical/auth/cloud.ts');
    expect(inputs.filter((input) => CLOUD.test(input))).toEqual([]);
    expect(inputs.filter((input) => /-proof\.ts$|signature\.ts$/.test(input))).toEqual([]);
  });

  test.each([
    ['aws', /node_modules\/@smithy\/signature-v4\//],
    ['azure', /node_modules\/@azure\/msal-node\//],
    ['gcp', /src\/infisical\/auth\/gcp-proof\.ts/],
  ])('has what a login from %s needs beside it', (cloud, library) => {
    const start = loadedWith('dist/main.js');
    const entry = Object.entries(metafile.outputs).find(
      ([, { entryPoint }]) => entryPoint === `src/infisical/auth/${cloud}-proof.ts`,
    )?.[0];
    expect(entry).toBeDefined();
    const inputs = inputsOf([...loadedWith(entry ?? '')].filter((file) => !start.has(file)));
    expect(inputs.some((input) => library.test(input))).toBe(true);
    const others = { aws: /@azure/, azure: /@smithy|@aws-sdk/, gcp: CLOUD }[cloud];
    expect(inputs.filter((input) => others?.test(input))).toEqual([]);
  });
});
