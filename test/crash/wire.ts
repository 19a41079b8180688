import { RECORD_ANNOTATION } from '../../src/api/names.ts';
import { parseRecord } from '../../src/api/record.ts';
import { kubeRequestOf } from '../support/kube-request.ts';
import type { Exchange } from '../support/proxy.ts';

/** Watches, lists of reflectors and the like: what a process does to see, not to act. They are no points. */
const SEEING = /^GET (?:.*\/)?(?:dynamicsecretleases|infisicalconnections|secrets)$/;

/**
 * What a request to the Kubernetes API is called: kind and object. Undefined for the lists and watches of the
 * reflectors, and for what is not about an object.
 */
export function kubeName({ method, url, body }: Exchange): string | undefined {
  const { what, name, dryRun } = kubeRequestOf(method, url, body);
  if (method === 'GET' && (SEEING.test(what) || name === ''))
    return name === '' ? undefined : `${what} ${name}`;
  // The names of events are made up anew each time.
  if (what === 'POST events' || what === 'PATCH events') return what;
  return `${what} ${name}${dryRun ? ' dry' : ''}`;
}

/** The lease that a write of a Secret carries. */
export function leaseInSecretWrite(body: Buffer): string | undefined {
  const content = JSON.parse(body.toString()) as unknown;
  return parseRecord(Array.isArray(content) ? patchedRecord(content) : createdRecord(content))?.lease.id;
}

function createdRecord(content: unknown): string | undefined {
  const { metadata } = content as { readonly metadata?: { readonly annotations?: Record<string, string> } };
  return metadata?.annotations?.[RECORD_ANNOTATION];
}

function patchedRecord(operations: readonly unknown[]): string | undefined {
  const path = `/metadata/annotations/${RECORD_ANNOTATION.replaceAll('/', '~1')}`;
  const found = operations.find((one) => (one as { readonly path?: string }).path === path);
  return (found as { readonly value?: string } | undefined)?.value;
}

const DYNAMIC_SECRETS = '/api/v1/dynamic-secrets';
const LEASES = `${DYNAMIC_SECRETS}/leases`;
const listPath = /^\/api\/v1\/dynamic-secrets\/([^/]+)\/leases$/;

/**
 * What a request to the lease API is called: kind and dynamic secret.
 *
 * @param secretOf names the dynamic secret of a lease.
 */
export function leaseApiName(
  { method, url, body }: Exchange,
  secretOf: (lease: string) => string | undefined,
): string {
  const { pathname } = new URL(url, 'http://server');
  if (pathname === LEASES) return `${method} lease ${createdFrom(body)}`;
  if (pathname.startsWith(`${LEASES}/`)) {
    const [id = '', action] = pathname.slice(LEASES.length + 1).split('/');
    return `${method} lease${action === undefined ? '' : `/${action}`} ${secretOf(id) ?? 'unknown'}`;
  }
  const [, secret] = listPath.exec(pathname) ?? [];
  if (secret !== undefined) return `${method} leases ${secret}`;
  return nameOfDeclaring(method, pathname, body) ?? `${method} ${pathname}`;
}

/** What a request about a dynamic secret itself is called: `POST dynamic-secret db`; of a folder's list `GET dynamic-secrets all`. */
function nameOfDeclaring(method: string, pathname: string, body: Buffer): string | undefined {
  if (pathname === DYNAMIC_SECRETS) {
    if (method === 'GET') return 'GET dynamic-secrets all';
    return `${method} dynamic-secret ${(JSON.parse(body.toString()) as { readonly name?: string }).name ?? ''}`;
  }
  if (!pathname.startsWith(`${DYNAMIC_SECRETS}/`)) return undefined;
  return `${method} dynamic-secret ${pathname.slice(DYNAMIC_SECRETS.length + 1)}`;
}

interface CreateBody {
  readonly dynamicSecretName?: string;
  readonly config?: { readonly leaseholder?: { readonly attempt?: string } };
}

function createdFrom(body: Buffer): string {
  return (JSON.parse(body.toString()) as CreateBody).dynamicSecretName ?? '';
}

/** The lease that an answer to a request for one made, and its credentials. */
export interface Issued {
  readonly id: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** @returns undefined for anything but a lease that was made. */
export function issuedIn(status: number, body: Buffer): Issued | undefined {
  if (status !== 200) return undefined;
  const { lease, data } = JSON.parse(body.toString()) as {
    readonly lease?: { readonly id?: string };
    readonly data?: { readonly DB_USERNAME?: string; readonly DB_PASSWORD?: string };
  };
  if (lease?.id === undefined) return undefined;
  return { id: lease.id, username: data?.DB_USERNAME, password: data?.DB_PASSWORD };
}

export function passwordsOf(issued: readonly Issued[]): readonly string[] {
  return issued.flatMap(({ password }) => password ?? []);
}
