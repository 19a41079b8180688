import { z } from 'zod';

import type { KubeObject } from './helm.ts';

const rule = z.object({
  apiGroups: z.array(z.string()),
  resources: z.array(z.string()),
  resourceNames: z.array(z.string()).optional(),
  verbs: z.array(z.string()),
});

export type Rule = z.infer<typeof rule>;

const role = z.looseObject({ rules: z.array(rule) });

const binding = z.looseObject({
  roleRef: z.object({ kind: z.string(), name: z.string() }),
  subjects: z.array(z.looseObject({ name: z.string() })),
});

/** The roles among the objects of a release that an account is bound to. */
export function rolesOf(objects: readonly KubeObject[], account: string): readonly KubeObject[] {
  const bound = objects.flatMap((object) => {
    if (!object.kind.endsWith('RoleBinding')) return [];
    const { roleRef, subjects } = binding.parse(object);
    const names = subjects.map(({ name }) => name);
    return names.includes(account)
      ? [`${roleRef.kind} ${String(object.metadata.namespace)} ${roleRef.name}`]
      : [];
  });
  return objects.filter(({ kind, metadata }) =>
    bound.includes(`${kind} ${String(metadata.namespace)} ${metadata.name}`),
  );
}

export function rulesOf(object: KubeObject): readonly Rule[] {
  return role.parse(object).rules;
}

/** Each verb on each resource, as the audit log is read: `get secrets`, `patch dynamicsecretleases.leaseholder.dev/status`. */
export function rightsIn(roles: readonly KubeObject[]): ReadonlySet<string> {
  return new Set(roles.flatMap(rulesOf).flatMap((one) => cells(one).map(({ right }) => right)));
}

/** The rules without one right. */
export function without(rules: readonly Rule[], right: string): readonly Rule[] {
  return rules
    .flatMap((one) => cells(one))
    .filter((cell) => cell.right !== right)
    .map(({ rule: single }) => single);
}

/** A rule as rules of one verb on one resource each. */
function cells({ apiGroups, resources, verbs, ...names }: Rule): readonly { right: string; rule: Rule }[] {
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      verbs.map((verb) => ({
        right: nameOf(verb, group, resource),
        rule: { apiGroups: [group], resources: [resource], verbs: [verb], ...names },
      })),
    ),
  );
}

function nameOf(verb: string, group: string, resource: string): string {
  const [plural = '', ...subresource] = resource.split('/');
  return `${verb} ${[group === '' ? plural : `${plural}.${group}`, ...subresource].join('/')}`;
}
