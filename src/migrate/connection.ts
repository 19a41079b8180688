import type { z } from 'zod';

import type { connectionSpec } from '../api/infisical-connection.ts';
import type { Findings } from './findings.ts';
import type { SourceAuthentication, SourceSpec } from './source.ts';

type ConnectionInput = z.input<typeof connectionSpec>;
type AuthInput = ConnectionInput['auth'];

/** Where the other operator leases from when nothing is said. */
const DEFAULT_HOST = 'https://app.infisical.com';

/**
 * The connection that an object's server and login come to; where `findings` has faults, it is not whole.
 *
 * @param namespace of the Secret with the credentials: a connection reads what is in its own namespace, and nothing else.
 */
export function convertConnection(spec: SourceSpec, namespace: string, findings: Findings): ConnectionInput {
  const { hostAPI = '', tls, authentication } = spec;
  return {
    hostAPI: hostAPI === '' ? DEFAULT_HOST : hostAPI,
    caBundle: trustOf(tls?.caRef, namespace, findings),
    auth: convertAuth(authentication, namespace, findings),
  };
}

function trustOf(
  caRef: NonNullable<SourceSpec['tls']>['caRef'],
  namespace: string,
  findings: Findings,
): ConnectionInput['caBundle'] {
  if (caRef === undefined) return undefined;
  const { secretName: name, secretNamespace, key } = caRef;
  noteElsewhere('Secret', { name, of: secretNamespace }, namespace, findings);
  return { secretKeyRef: { name, key } };
}

function convertAuth(from: SourceAuthentication, namespace: string, findings: Findings): AuthInput {
  const { universalAuth, kubernetesAuth, ...others } = from;
  if (universalAuth !== undefined) {
    const { secretName: name, secretNamespace } = universalAuth.credentialsRef;
    noteElsewhere('Secret', { name, of: secretNamespace }, namespace, findings);
    const source = (key: string): { secretKeyRef: { name: string; key: string } } => ({
      secretKeyRef: { name, key },
    });
    return { universal: { clientId: source('clientId'), clientSecret: source('clientSecret') } };
  }
  if (kubernetesAuth !== undefined) return convertKubernetes(kubernetesAuth, namespace, findings);
  const other = Object.entries(others).find(([, method]) => method !== undefined)?.[0];
  findings.fault(
    other === undefined
      ? 'spec.authentication names no method.'
      : `spec.authentication.${other} is not converted; write spec.auth of the connection by hand (docs/logins.md).`,
  );
  return {};
}

function convertKubernetes(
  auth: NonNullable<SourceAuthentication['kubernetesAuth']>,
  namespace: string,
  findings: Findings,
): AuthInput {
  const { identityId, serviceAccountRef, serviceAccountTokenAudiences: audiences = [] } = auth;
  const { name, namespace: of } = serviceAccountRef;
  noteElsewhere('ServiceAccount', { name, of }, namespace, findings);
  findings.note(
    `The operator needs "create" on serviceaccounts/token of ServiceAccount ${namespace}/${name}; a token is requested for each login.`,
  );
  if (audiences.length > 1)
    findings.fault(
      'spec.authentication.kubernetesAuth.serviceAccountTokenAudiences has several audiences; a login shows a token for one.',
    );
  return { kubernetes: { identityId, serviceAccountRef: { name, audience: audiences[0] } } };
}

/** What is in another namespace cannot be named from here. */
function noteElsewhere(
  kind: 'Secret' | 'ServiceAccount',
  { name, of }: { readonly name: string; readonly of: string },
  namespace: string,
  findings: Findings,
): void {
  if (of === namespace) return;
  findings.note(
    `${kind} ${of}/${name} is in another namespace: put one of that name into ${namespace}, or use a ClusterInfisicalConnection.`,
  );
}
