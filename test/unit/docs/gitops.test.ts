import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

import { conditionTypes, reasons } from '../../../src/api/condition.ts';
import { kinds } from '../../../src/api/crd.ts';
import { GROUP } from '../../../src/api/names.ts';

const page = readFileSync(path.join(import.meta.dirname, '../../../docs/gitops.md'), 'utf8');

const configMap = z.object({
  kind: z.literal('ConfigMap'),
  metadata: z.object({ name: z.literal('argocd-cm') }),
  data: z.object({ 'resource.customizations': z.string() }),
});

/** The objects that the page shows. */
const shown = [...page.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, text = '']) => parse(text) as unknown);

const customizations = shown.flatMap(
  (object) => configMap.safeParse(object).data?.data['resource.customizations'] ?? [],
);
const byKind = z
  .record(z.string(), z.strictObject({ 'health.lua': z.string() }))
  .parse(parse(customizations[0] ?? ''));
const script = byKind[`${GROUP}/*`]?.['health.lua'] ?? '';

const quoted = (pattern: RegExp): readonly string[] =>
  [...script.matchAll(pattern)].map(([, word = '']) => word).toSorted();

describe('the health check for Argo CD', () => {
  test('is one, for every kind of the group', () => {
    expect(customizations).toHaveLength(1);
    expect(Object.keys(byKind)).toEqual([`${GROUP}/*`]);
    expect(kinds.length).toBe(4);
    expect(page).toContain('All four kinds');
  });

  test('looks at the conditions that the objects have, and at all of them', () => {
    expect(quoted(/found\["(\w+)"\]/g)).toEqual(conditionTypes.toSorted());
  });

  test('knows only reasons that there are', () => {
    const named = quoted(/\.reason == "(\w+)"/g);
    expect(named.length).toBeGreaterThan(0);
    for (const reason of named) expect(reasons).toContain(reason);
  });

  test('answers with what Argo CD knows', () => {
    expect([...new Set(quoted(/status = "(\w+)"/g))]).toEqual([
      'Degraded',
      'Healthy',
      'Progressing',
      'Suspended',
    ]);
  });

  test('compares the generation that was seen', () => {
    expect(script).toContain('obj.status.observedGeneration ~= obj.metadata.generation');
  });

  test('begins and ends each block', () => {
    const opened = script.match(/\b(?:then|do)\b/g)?.length;
    expect(script.match(/\bend\b/g)?.length).toBe(opened);
    expect(script.trimEnd()).toMatch(/return hs$/);
  });
});
