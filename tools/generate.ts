/**
 * Writes every generated file from its source, or with --check tells which of them are not in step with it.
 *
 * Usage: node tools/generate.ts [--check]
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { format, resolveConfig } from 'prettier';
import { stringify } from 'yaml';

import { customResourceDefinition, kinds } from '../src/api/crd.ts';
import { GROUP } from '../src/api/names.ts';
import { chartFiles } from './chart/chart-files.ts';
import { helmAtHand, kustomizeFiles } from './chart/kustomize.ts';
import { renderConditionsDoc } from './conditions-doc.ts';
import { renderReferenceDoc } from './reference-doc.ts';
import { renderMetricsDoc } from './metrics-doc.ts';
import { renderConfigurationDoc } from '../src/config.ts';

const root = join(import.meta.dirname, '..');

async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>(definitions());
  for (const [name, text] of chartFiles(definitions())) {
    files.set(name, name.endsWith('.md') ? await markdown(text) : text);
  }
  files.set('docs/conditions.md', await markdown(renderConditionsDoc()));
  files.set('docs/configuration.md', await markdown(renderConfigurationDoc()));
  files.set('docs/reference.md', await markdown(renderReferenceDoc()));
  files.set('docs/metrics.md', await markdown(await renderMetricsDoc()));
  return files;
}

function definitions(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const kind of kinds) {
    const definition = stringify(customResourceDefinition(kind), {
      lineWidth: 0,
      aliasDuplicateObjects: false,
    });
    files.set(
      `crds/${GROUP}_${kind.plural}.yaml`,
      `# Generated from src/api by tools/generate.ts.\n${definition}`,
    );
  }
  return files;
}

async function markdown(text: string): Promise<string> {
  const options = await resolveConfig(join(root, 'README.md'));
  return format(text, { ...options, parser: 'markdown' });
}

const checking = process.argv.includes('--check');
const stale: string[] = [];
take(await generatedFiles());
// The plain manifests are what the chart makes of the files above. Where no run has got helm yet, the chart's tests compare them.
const helm = await helmAtHand();
if (helm !== undefined) take(await kustomizeFiles(helm));

function take(files: ReadonlyMap<string, string>): void {
  for (const [name, content] of files) {
    const path = join(root, name);
    if (existsSync(path) && readFileSync(path, 'utf8') === content) continue;
    stale.push(name);
    if (checking) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}

if (checking && stale.length > 0) {
  console.error(`Not in step with their source: ${stale.join(', ')}. Run "npm run generate".`);
  process.exitCode = 1;
} else {
  console.log(
    checking
      ? 'Generated files are in step with their source.'
      : `Written: ${stale.join(', ') || 'nothing new'}`,
  );
}
