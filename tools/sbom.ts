/**
 * Writes the bill of materials of what the bundle is made of, in CycloneDX: the packages that package-lock.json has for
 * production, with their versions, licences and digests. npm makes it; what differs each time is taken away, so that
 * the same lock file gives the same bytes.
 *
 * Usage: node tools/sbom.ts FILE
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

const root = join(import.meta.dirname, '..');

const manifest = z.object({
  name: z.string(),
  version: z.string(),
  dependencies: z.record(z.string(), z.string()),
});

const lock = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      dev: z.boolean().default(false),
      devOptional: z.boolean().default(false),
    }),
  ),
});

const bill = z.looseObject({
  serialNumber: z.string().optional(),
  metadata: z.looseObject({ timestamp: z.string().optional(), component: z.looseObject({}) }),
  components: z.array(z.looseObject({ 'bom-ref': z.string(), name: z.string(), version: z.string() })),
  dependencies: z.array(z.looseObject({ ref: z.string(), dependsOn: z.array(z.string()).default([]) })),
});

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('Usage: node tools/sbom.ts FILE');
const own = manifest.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
const text = JSON.stringify(inProduction(bill.parse(JSON.parse(npmsBill()))), undefined, 2);
writeFileSync(file, `${text}\n`);

function npmsBill(): string {
  const args = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only'];
  return execFileSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}

/** npm's `--omit=dev` also leaves out what both production and development need, so the lock file's own word is taken. */
function inProduction({ serialNumber: _number, ...all }: z.infer<typeof bill>): object {
  const { packages } = lock.parse(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));
  const used = new Set(
    Object.entries(packages).flatMap(([place, { version, dev, devOptional }]) =>
      version === undefined || dev || devOptional ? [] : `${place.split('node_modules/').at(-1)}@${version}`,
    ),
  );
  const components = all.components.filter(({ name, version }) => used.has(`${name}@${version}`));
  const kept = new Set(components.map((component) => component['bom-ref']));
  const whole = `${own.name}@${own.version}`;
  const direct = new Set(Object.entries(own.dependencies).map(([name, version]) => `${name}@${version}`));
  const wanted = (from: string, to: string): boolean => kept.has(to) && (from !== whole || direct.has(to));
  const dependencies = all.dependencies
    .filter(({ ref }) => kept.has(ref) || ref === whole)
    .map((entry) => ({ ...entry, dependsOn: entry.dependsOn.filter((ref) => wanted(entry.ref, ref)) }));
  const { timestamp: _instant, component, ...metadata } = all.metadata;
  // npm calls the program by the folder that it lies in.
  return {
    ...all,
    metadata: { ...metadata, component: { ...component, name: own.name } },
    components,
    dependencies,
  };
}
