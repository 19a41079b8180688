import type { ConnectionSpec } from '../api/infisical-connection.ts';
import { fault } from '../errors.ts';
import type { OwnLeaseClient } from '../infisical/client.ts';
import { KubeError } from '../kube/kube-error.ts';
import type { Transport } from '../kube/transport.ts';
import { identityOf } from '../reconcile/connection/links.ts';
import type { ConnectionRecord } from '../reconcile/ports.ts';
import type { Subject } from './command.ts';
import { failing, inOrder, type Finding } from './finding.ts';
import { rightsFindings, type Surroundings } from './kubernetes.ts';
import { isForbidden, keyOf, readConnection, readSurrounding, viewOf } from './objects.ts';
import { serverFindings } from './server.ts';
import { usesOf, type Uses } from './uses.ts';

export interface CheckParts {
  readonly transport: Transport;
  readonly subject: Subject;
  readonly surroundings: Surroundings;
  /** Makes the client of a connection whose spec is valid. @throws FaultError */
  readonly open: (connection: ConnectionRecord) => OwnLeaseClient;
  /** Whether the check runs in a pod, as the operator does. */
  readonly isPod: boolean;
  /** Milliseconds since 1970 by this machine. */
  readonly wall: () => number;
}

/** Whether a connection would work for the operator, step by step. Nothing is leased, created or changed. */
export async function check(parts: CheckParts): Promise<readonly Finding[]> {
  const [rights, found] = await Promise.all([
    rightsFindings(parts.transport, parts.surroundings),
    connectionFindings(parts),
  ]);
  return inOrder([...rights, ...found]);
}

async function connectionFindings(parts: CheckParts): Promise<readonly Finding[]> {
  const { transport, subject } = parts;
  const { kind, name } = subject;
  const about = `${kind} ${keyOf(subject)}`;
  if (kind === 'ClusterInfisicalConnection' && parts.surroundings.namespaces !== undefined)
    return [failing('connection', about, fault('ClusterConnectionsOff', { name }))];
  try {
    const connection = await readConnection(transport, subject);
    if (connection === undefined)
      return [failing('connection', about, fault('ConnectionNotFound', { kind, name }))];
    if (!connection.spec.valid) return [failing('connection', about, connection.spec.fault)];
    return await usedFindings(parts, connection, about);
  } catch (error) {
    return [unreadable(about, error)];
  }
}

async function usedFindings(
  parts: CheckParts,
  connection: ConnectionRecord,
  about: string,
): Promise<readonly Finding[]> {
  const { transport, wall } = parts;
  if (!connection.spec.valid) return [];
  const { uses, refused } = await usesIn(parts);
  const server = await serverFindings({
    host: identityOf(connection).host,
    spec: connection.spec.value,
    open: () => parts.open(connection),
    times: () => ({ kubernetes: transport.now(), machine: wall() }),
    uses,
  });
  const well = { check: 'connection', about, result: 'ok', message: 'Its spec can be used.' } as const;
  const isRefused = server.some(({ check: step }) => step === 'connection');
  const own = !parts.isPod && showsOwnIdentity(connection.spec.value) ? [elsewhere(about)] : [];
  const unused = uses.length === 0 ? [nobody(about)] : [];
  return [...(isRefused ? [] : [well]), ...own, ...refused, ...unused, ...server];
}

function showsOwnIdentity({ auth }: ConnectionSpec): boolean {
  return [auth.aws, auth.azure, auth.gcp].some((one) => one?.operatorIdentity !== undefined);
}

function elsewhere(about: string): Finding {
  const message =
    "The cloud identity that was used is that of where this check ran: run it in the operator's pod to try the operator's own.";
  return { check: 'credentials', about, result: 'warns', message };
}

async function usesIn({ transport, subject, surroundings }: CheckParts): Promise<Uses> {
  const { namespaces } = surroundings;
  const read = await readSurrounding(transport, subject, namespaces);
  const view = viewOf(read, namespaces === undefined ? 'cluster' : 'namespaces');
  return usesOf(view, keyOf(subject), read);
}

function nobody(about: string): Finding {
  const message =
    'No object uses a dynamic secret through it, so its rights on the server were not looked at.';
  return { check: 'rights', about, result: 'warns', message };
}

function unreadable(about: string, error: unknown): Finding {
  if (!(error instanceof KubeError)) throw error;
  if (!isForbidden(error))
    return failing('kubernetes', about, fault('KubernetesUnavailable', { request: 'read the objects' }));
  const message = 'It, or what uses it, may not be read: see the rights that are lacking.';
  return { check: 'connection', about, result: 'fails', message };
}
