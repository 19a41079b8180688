import type { Target } from '../api/lease.ts';
import { methodOf, type ConnectionSpec } from '../api/infisical-connection.ts';
import { fault, FaultError, type Fault } from '../errors.ts';
import type { OwnLeaseClient } from '../infisical/client.ts';
import { clockFinding } from './clocks.ts';
import { failing, type Finding } from './finding.ts';
import { entryFindings, entrySkipped, wayFindings } from './stages.ts';
import type { Use } from './uses.ts';

/** What a look at a server is made with. */
export interface ServerParts {
  readonly host: string;
  readonly spec: ConnectionSpec;
  /** Makes the client. @throws FaultError where the operator would not even ask. */
  readonly open: () => OwnLeaseClient;
  /** The Kubernetes API's time and this machine's, in milliseconds since 1970. */
  readonly times: () => { readonly kubernetes: number | undefined; readonly machine: number };
  readonly uses: readonly Use[];
}

/**
 * Reaches a server, logs in, lists the leases of each dynamic secret in use, and logs out. The same requests as the
 * operator's, and none that leases, creates or changes anything.
 */
export async function serverFindings(parts: ServerParts): Promise<readonly Finding[]> {
  const { host } = parts;
  const opened = attempt(parts.open);
  if ('raised' in opened) return [...wayFindings(host, opened.raised), ...entrySkipped(host)];
  const client = opened.made;
  try {
    const unreached = await raisedBy(() => client.synchronise());
    if (unreached !== undefined) return [...wayFindings(host, unreached), ...entrySkipped(host)];
    const clock = clockFinding(host, { server: client.now(), ...parts.times() });
    return [...wayFindings(host), clock, ...(await within(parts, client))];
  } finally {
    await client.close();
  }
}

async function within(
  { host, spec, uses }: ServerParts,
  client: OwnLeaseClient,
): Promise<readonly Finding[]> {
  const refused = await raisedBy(async () => {
    await client.session.token();
    await client.verify();
  });
  if (refused !== undefined) return entryFindings(host, refused);
  const found = await Promise.all(uses.map((use) => rightFinding(client, use)));
  return [...entryFindings(host), ...found, await ending(host, spec, client)];
}

async function rightFinding(client: OwnLeaseClient, { target, by }: Use): Promise<Finding> {
  const about = nameOf(target);
  const raised = await raisedBy(() => client.listLeases(target));
  if (raised !== undefined) return failing('rights', about, raised);
  const message = `The identity may look at its leases. Used by ${by.join(', ')}.`;
  return { check: 'rights', about, result: 'ok', message };
}

function nameOf({ projectSlug, environmentSlug, path, dynamicSecret }: Target): string {
  return `${projectSlug}/${environmentSlug}${path === '/' ? '' : path}/${dynamicSecret}`;
}

async function ending(about: string, spec: ConnectionSpec, client: OwnLeaseClient): Promise<Finding> {
  if (methodOf(spec) === 'token')
    return {
      check: 'logout',
      about,
      result: 'skipped',
      message: 'The token is not that of this check alone.',
    };
  if (await client.logOut())
    return { check: 'logout', about, result: 'ok', message: 'The session of this check is ended.' };
  const message = 'The session of this check could not be ended: its token lives to its own end.';
  return { check: 'logout', about, result: 'warns', message };
}

function attempt<Made>(make: () => Made): { readonly made: Made } | { readonly raised: Fault } {
  try {
    return { made: make() };
  } catch (error) {
    return { raised: faultOf(error) };
  }
}

async function raisedBy(act: () => Promise<unknown>): Promise<Fault | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    return faultOf(error);
  }
}

function faultOf(error: unknown): Fault {
  return error instanceof FaultError ? error.fault : fault('Internal', undefined);
}
