import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import type { ApiAnswer, ApiClient, ApiRequest } from '../../../../sandbox/control-plane/api-client.ts';
import { awaitCondition } from '../../../../sandbox/control-plane/condition.ts';
import { resolveBinaries } from '../../../../sandbox/binaries/resolve.ts';
import { operatorAccount } from '../../../../sandbox/operator/install.ts';
import { MANAGED_LABEL } from '../../../../src/api/names.ts';
import type { Stage } from '../../../support/stage.ts';

const chart = path.join(import.meta.dirname, '..', '..', '..', '..', 'deploy', 'helm', 'leaseholder');

/** The path of the Secrets of namespace default, or of one of them. */
export function secretPath(name = ''): string {
  return `/api/v1/namespaces/default/secrets${name === '' ? '' : `/${name}`}`;
}

export interface StrictGrants {
  /** A service account of namespace default for which the operator may ask for tokens. */
  readonly account: string;
  /** Of the Secrets that leases may fill. */
  readonly names: readonly string[];
  /** Of a Secret that may be read. */
  readonly credentials: string;
}

/**
 * Gives the operator's account the rights of strict mode and no others, with the policies that go with them, as the chart
 * renders them. Resolves when the API server holds to them.
 *
 * @param operator speaks with the operator's token.
 */
export async function goStrict(
  stage: Stage,
  { account, names, credentials }: StrictGrants,
  operator: ApiClient,
): Promise<void> {
  const { namespace, name } = operatorAccount;
  const settings = [
    'secretAccess=strict',
    `leaseSecretNames={${names.join(',')}}`,
    `credentials.secretNames={${credentials}}`,
    'credentials.serviceAccounts[0].namespace=default',
    `credentials.serviceAccounts[0].name=${account}`,
  ];
  const { helm } = await resolveBinaries(['helm']);
  const { stdout } = await promisify(execFile)(helm, [
    'template',
    name,
    chart,
    '--namespace',
    namespace,
    ...settings.flatMap((one) => ['--set', one]),
    ...['rbac', 'admission'].flatMap((one) => ['--show-only', `templates/${one}.yaml`]),
  ]);
  const file = path.join(path.dirname(stage.kubeconfig), 'strict.yaml');
  await writeFile(file, stdout);
  await stage.kubectl('apply', '-f', file);
  await awaitCondition(() => isInForce(operator), { what: 'the rights and the policy of strict mode' });
}

/** Neither may an unlabelled Secret be made, nor any be listed. */
async function isInForce(operator: ApiClient): Promise<boolean> {
  const listed = await operator.send(secretPath());
  const made = await operator.send(`${secretPath()}?dryRun=All`, { method: 'POST', body: aSecret({}) });
  return listed.status === 403 && made.status === 422;
}

/** A Secret as somebody might make one. */
export function aSecret(
  labels: Readonly<Record<string, string>>,
  { name = 'made', type = 'Opaque' } = {},
): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, labels }, type, stringData: { mine: 'now' } };
}

export const ours = { [MANAGED_LABEL]: 'true' };

/** A way to come at a Secret, or at all of its namespace. */
export interface Attempt {
  readonly path: string;
  readonly request: ApiRequest;
}

type Body = 'merge-patch+json' | 'json-patch+json' | 'strategic-merge-patch+json' | 'apply-patch+yaml';

function patch(name: string, kind: Body, body: unknown, query: string): Attempt {
  const request = { method: 'PATCH', contentType: `application/${kind}`, body } as const;
  return { path: `${secretPath(name)}${query}`, request };
}

/** Each verb, each form of a patch, in earnest and dry, against a Secret of somebody else's. */
export function attemptsOn(name: string): Readonly<Record<string, Attempt>> {
  const body = aSecret(ours, { name });
  const label = { metadata: { labels: ours } };
  const both = (query: string, how: string): Readonly<Record<string, Attempt>> => ({
    [`create${how}`]: {
      path: secretPath() + asked(query),
      request: { method: 'POST', body: aSecret({}) },
    },
    [`create a token of a service account${how}`]: {
      path: secretPath() + asked(query),
      request: {
        method: 'POST',
        body: {
          apiVersion: 'v1',
          kind: 'Secret',
          type: 'kubernetes.io/service-account-token',
          metadata: {
            name: 'stolen',
            labels: ours,
            annotations: { 'kubernetes.io/service-account.name': 'default' },
          },
        },
      },
    },
    [`update${how}`]: { path: secretPath(name) + asked(query), request: { method: 'PUT', body } },
    [`merge patch${how}`]: patch(name, 'merge-patch+json', label, asked(query)),
    [`strategic patch${how}`]: patch(name, 'strategic-merge-patch+json', label, asked(query)),
    [`JSON patch${how}`]: patch(
      name,
      'json-patch+json',
      [{ op: 'add', path: '/metadata/labels', value: ours }],
      asked(query),
    ),
    [`JSON patch of nothing${how}`]: patch(name, 'json-patch+json', [], asked(query)),
    [`apply${how}`]: patch(
      name,
      'apply-patch+yaml',
      body,
      `?fieldManager=thief&force=true${query === '' ? '' : `&${query}`}`,
    ),
    [`delete${how}`]: { path: secretPath(name) + asked(query), request: { method: 'DELETE' } },
    [`delete all${how}`]: { path: secretPath() + asked(query), request: { method: 'DELETE' } },
  });
  return {
    get: { path: secretPath(name), request: {} },
    list: { path: secretPath(), request: {} },
    'list everywhere': { path: '/api/v1/secrets', request: {} },
    'list ours': {
      path: `/api/v1/secrets?labelSelector=${encodeURIComponent(`${MANAGED_LABEL}=true`)}`,
      request: {},
    },
    watch: { path: `${secretPath()}?watch=true`, request: {} },
    ...both('', ''),
    ...both('dryRun=All', ', dry'),
  };
}

function asked(query: string): string {
  return query === '' ? '' : `?${query}`;
}

/** Patches that make no Secret: the API server answers them before it asks any policy. */
export function malformedOn(name: string): Readonly<Record<string, Attempt>> {
  const copied = (to: string): Attempt =>
    patch(name, 'json-patch+json', [{ op: 'copy', from: '/data', path: to }], '?dryRun=All');
  return {
    'JSON patch that copies the data to the labels': copied('/metadata/labels'),
    'JSON patch that copies the data to the type': copied('/type'),
    'JSON patch that copies the data to the kind': copied('/kind'),
    'merge patch of a type that is none': patch(name, 'merge-patch+json', { type: {} }, '?dryRun=All'),
    'strategic patch of a type that is none': patch(
      name,
      'strategic-merge-patch+json',
      { type: {} },
      '?dryRun=All',
    ),
    'JSON patch that tests a guess': patch(
      name,
      'json-patch+json',
      [{ op: 'test', path: '/data/password', value: 'Z3Vlc3M=' }],
      '?dryRun=All',
    ),
  };
}

/** @returns the answer, and its whole text. */
export async function tried(
  operator: ApiClient,
  attempt: Attempt,
): Promise<ApiAnswer & { readonly text: string }> {
  const answer = await operator.send(attempt.path, attempt.request);
  return { ...answer, text: JSON.stringify(answer.body) };
}
