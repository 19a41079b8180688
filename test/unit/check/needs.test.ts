import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

import { needsOf } from '../../../src/check/needs.ts';

const role = z.object({
  kind: z.enum(['ClusterRole', 'Role']),
  metadata: z.object({ name: z.enum(['leaseholder', 'leaseholder-nudge']) }),
  rules: z.array(
    z.object({
      apiGroups: z.array(z.string()),
      resources: z.array(z.string()),
      verbs: z.array(z.string()),
    }),
  ),
});

type Rule = Pick<z.infer<typeof role>['rules'][number], 'apiGroups' | 'resources' | 'verbs'>;

/** `group/resource verb` of each. */
function spelled(rules: readonly Rule[]): readonly string[] {
  const all = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => `${group}/${resource} ${verb}`)),
    ),
  );
  return [...new Set(all)].sort();
}

test('a check asks for just the rights that deploy/rbac.yaml grants', async () => {
  const file = path.join(import.meta.dirname, '..', '..', '..', 'deploy', 'rbac.yaml');
  const documents = parseAllDocuments(await readFile(file, 'utf8'));
  const granted = documents.flatMap(
    (document) => role.safeParse(document.toJS() as unknown).data?.rules ?? [],
  );
  const asked = needsOf(false).map(({ group, resource, verbs }) => ({
    apiGroups: [group],
    resources: [resource],
    verbs: [...verbs],
  }));
  expect(granted.length).toBeGreaterThan(5);
  expect(spelled(asked)).toEqual(spelled(granted));
});

test('in strict mode it asks for no right to read Secrets, or to patch any of them', () => {
  const verbs = needsOf(true).find(({ resource }) => resource === 'secrets')?.verbs;
  expect(verbs).toEqual(['create']);
});
