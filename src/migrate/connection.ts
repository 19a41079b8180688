import type { z } from 'zod';

import type { connectionSpec } from '../api/infisical-connection.ts';
import type { SourceAuthentication, SourceSpec } from './source.ts';

type ConnectionInput = z.input<typeof connectionSpec>;
type AuthInput = ConnectionInput['auth'];

/** What became of a part of an object: itself, and what a person has to know or do. */
export interface Converted<T> {
  readonly value: T | undefined;
  readonly notes: readonly string[];
  /** What keeps the object from being converted. */
  readonly faults: readonly string[];
}

/** Where the other operator leases from when nothing is said. */
const DEFAULT_HOST = 'https://app.infisical.com';

/**
 * The connection that an object's server and login come to.
 *
 * @param namespace of the Secret with the credentials: a connection reads what is in its own namespace, and nothing else.
 */
export function convertConnection(spec: SourceSpec, namespace: string): Converted<ConnectionInput> {
  const auth = convertAuth(spec.authentication, namespace);
  const trust = convertTrust(spec.tls?.caRef, namespace);
  const hostAPI = spec.hostAPI === undefined || spec.hostAPI === '' ? DEFAULT_HOST : spec.hostAPI;
  return {
    value:
      auth.value === undefined
        ? undefined
        : { hostAPI, ...(trust.value === undefined ? {} : { caBundle: trust.value }), auth: auth.value },
    notes: [...auth.notes, ...trust.notes],
    faults: [...auth.faults, ...trust.faults],
  };
}

function convertTrust(
  caRef: NonNullable<SourceSpec['tls']>['caRef'],
  namespace: string,
): Converted<NonNullable<ConnectionInput['caBundle']>> {
  if (caRef === undefined) return { value: undefined, notes: [], faults: [] };
  const { secretName: name, secretNamespace, key } = caRef;
  return {
    value: { secretKeyRef: { name, key } },
    notes: elsewhere('Secret', { name, of: secretNamespace }, namespace),
    faults: [],
  };
}

function convertAuth(from: SourceAuthentication, namespace: string): Converted<AuthInput> {
  const { universalAuth, kubernetesAuth } = from;
  if (universalAuth !== undefined && isSet(universalAuth.credentialsRef.secretName)) {
    const { secretName: name, secretNamespace } = universalAuth.credentialsRef;
    const key = (of: string): { secretKeyRef: { name: string; key: string } } => ({
      secretKeyRef: { name, key: of },
    });
    return {
      value: { universal: { clientId: key('clientId'), clientSecret: key('clientSecret') } },
      notes: elsewhere('Secret', { name, of: secretNamespace }, namespace),
      faults: [],
    };
  }
  if (kubernetesAuth !== undefined && isSet(kubernetesAuth.identityId)) {
    return convertKubernetes(kubernetesAuth, namespace);
  }
  const other = Object.entries(from).find(([, method]) => method !== undefined)?.[0];
  const fault =
    other === undefined
      ? 'spec.authentication names no method.'
      : `spec.authentication.${other} has no counterpart in leaseholder; use universalAuth or kubernetesAuth.`;
  return { value: undefined, notes: [], faults: [fault] };
}

function convertKubernetes(
  auth: NonNullable<SourceAuthentication['kubernetesAuth']>,
  namespace: string,
): Converted<AuthInput> {
  const { identityId, serviceAccountRef, serviceAccountTokenAudiences: audiences = [] } = auth;
  const { name, namespace: of } = serviceAccountRef;
  const [audience] = audiences;
  const ref = { name, ...(audience === undefined ? {} : { audience }) };
  return {
    value: { kubernetes: { identityId, serviceAccountRef: ref } },
    notes: [
      ...elsewhere('ServiceAccount', { name, of }, namespace),
      `The operator needs "create" on serviceaccounts/token of ServiceAccount ${namespace}/${name}.`,
      ...(auth.autoCreateServiceAccountToken === true
        ? []
        : ['A token of its own is requested for each login; the Secret with a token of long life is not used.']),
    ],
    faults:
      audiences.length > 1
        ? ['spec.authentication.kubernetesAuth.serviceAccountTokenAudiences has several audiences; a login shows a token for one.']
        : [],
  };
}

/** What is in another namespace cannot be named from here. */
function elsewhere(
  kind: 'Secret' | 'ServiceAccount',
  { name, of }: { readonly name: string; readonly of: string },
  namespace: string,
): readonly string[] {
  if (of === namespace) return [];
  return [
    `${kind} ${of}/${name} is in another namespace: put one of that name into ${namespace}, or use a ClusterInfisicalConnection.`,
  ];
}

function isSet(text: string): boolean {
  return text !== '';
}
