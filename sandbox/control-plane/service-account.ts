import { z } from 'zod';
import type { ApiAnswer, ApiClient } from './api-client.ts';

export interface ServiceAccountName {
  readonly namespace: string;
  readonly name: string;
}

/** How the API server, and so the audit log, calls a service account. */
export function serviceAccountUser({ namespace, name }: ServiceAccountName): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

export interface TokenOptions {
  /** Whom the token is for. @default the API server itself */
  readonly audiences?: readonly string[];
  /** How long it is valid; the API server gives no token for less than 600. @default 86400, a day */
  readonly seconds?: number;
}

const tokenRequest = z.object({ status: z.object({ token: z.string().min(1) }) });

/** Requests a token; the namespace and the service account are made when they are missing. */
export async function requestToken(
  api: ApiClient,
  { namespace, name }: ServiceAccountName,
  { audiences, seconds = 86_400 }: TokenOptions = {},
): Promise<string> {
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await ensure(api, '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
  });
  await ensure(api, accounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } });
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: seconds, ...(audiences !== undefined && { audiences }) },
  };
  const answer = await api.send(`${accounts}/${name}/token`, { method: 'POST', body });
  if (answer.status !== 201) throw refused(`a token for ${namespace}/${name}`, answer);
  return tokenRequest.parse(answer.body).status.token;
}

async function ensure(api: ApiClient, collection: string, body: object): Promise<void> {
  const answer = await api.send(collection, { method: 'POST', body });
  // 409: it is there already.
  if (answer.status !== 201 && answer.status !== 409) throw refused(collection, answer);
}

function refused(what: string, { status, body }: ApiAnswer): Error {
  return new Error(`kube-apiserver answered ${status} to ${what}: ${JSON.stringify(body)}`);
}
