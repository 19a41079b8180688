import { Client } from 'pg';
import { z } from 'zod';

import { awaitCondition } from '../../../../sandbox/control-plane/condition.ts';
import type { FaultRule } from '../../../../sandbox/lease-api/faults.ts';
import { postgresInputs } from '../../../../sandbox/lease-api/postgres-inputs.ts';
import type { Profile } from '../../../../sandbox/lease-api/refusal.ts';
import type { Postgres } from '../../../../sandbox/postgres/start.ts';
import { conditions } from '../../../../src/api/condition.ts';
import {
  dynamicSecretManifest,
  inputSecret,
  inputsFrom,
  inputSecretName,
} from '../../../support/dynamic-secret-manifest.ts';
import { connectionObjects, leaseManifest, type Stage } from '../../../support/stage.ts';
import { ownServer, type OwnServer } from './own-server.ts';

const place = { projectSlug: 'shop', environmentSlug: 'prod', path: '/' };

const shown = z.object({
  status: z
    .object({
      conditions: conditions.optional(),
      dynamicSecret: z.object({ status: z.string().optional() }).optional(),
    })
    .default({}),
});
type Shown = z.infer<typeof shown>['status'];

const sentBody = z.object({ data: z.unknown().optional(), provider: z.unknown().optional() });

/** What the Secret of the inputs holds. */
interface Inputs {
  readonly password: string;
  readonly creationStatement: string;
  readonly revocationStatement: string;
}

/** Everything that goes wrong around a declared dynamic secret whose inputs are recognised by a word. */
export interface DeclaredCanary {
  /** What was read of the object on the way. */
  readonly statuses: readonly string[];
  /** What the server shows of why a removal failed, in PostgreSQL's own words. */
  readonly quoted: string;
}

/**
 * Plays the life of a dynamic secret of a real PostgreSQL, on a server of its own: the provider down, answers that are
 * lost, statements that PostgreSQL refuses by quoting them, the administrator's password rotated, revocations and
 * removals that fail.
 *
 * @param word is in every credential, and in every statement that PostgreSQL is to quote
 */
export async function playDeclared(
  stage: Stage,
  postgres: Postgres,
  { profile, word }: { readonly profile: Profile; readonly word: string },
): Promise<DeclaredCanary> {
  await using server = await ownServer({ profile });
  const { api } = server;
  const name = `declared-${profile}`;
  const administrator = `lessor_${profile}`;
  const statuses: string[] = [];

  const setPassword = (password: string, verb: 'CREATE' | 'ALTER' = 'ALTER'): Promise<void> =>
    execute(postgres, `${verb} ROLE ${administrator} SUPERUSER LOGIN PASSWORD '${password}'`);
  const arm = async (action: FaultRule['action'], match: FaultRule['match'] = {}): Promise<void> =>
    void (await api.armFault({ match, action }));
  const declare = (stringData: Inputs): Promise<void> => stage.apply(inputSecret(name, { ...stringData }));
  /** Looks at the object on the way, and shows it where the wait is in vain. */
  const until = async (what: string, probe: (status: Shown) => boolean | Promise<boolean>): Promise<void> => {
    const seen = async (): Promise<boolean> => {
      const raw = await stage.read(
        `/apis/leaseholder.dev/v1alpha1/namespaces/default/dynamicsecrets/${name}`,
      );
      statuses.push(JSON.stringify(raw));
      return probe(shown.parse(raw).status);
    };
    try {
      await awaitCondition(seen, { what, timeoutMs: 60_000, intervalMs: 100 });
    } catch (error) {
      throw new Error(`Waited for ${what} of ${statuses.at(-1) ?? name}`, { cause: error });
    }
  };
  const untilReason = (reason: string): Promise<void> =>
    until(reason, ({ conditions: all = [] }) => all.some((one) => one.reason === reason));
  /** The request has come, with these inputs, and was carried out. */
  const untilSent = (method: 'POST' | 'PATCH', inputs: Partial<Inputs>): Promise<void> =>
    until(method, async () =>
      (await api.dynamicSecrets()).requests.some(
        (one) => one.method === method && one.done && holds(one.body, inputs),
      ),
    );
  const untilBooked = (event: string): Promise<void> =>
    until(event, async () =>
      (await api.readLedger()).entries.some((one) => one.event === event && one.dynamicSecret === name),
    );

  const good = postgresInputs(postgres, { username: administrator });
  const first: Inputs = {
    password: `${word}-password-of-${profile}`,
    // PostgreSQL quotes what it cannot read.
    creationStatement: `${good.creationStatement} SELECT '${word}-in-a-creation'::int;`,
    revocationStatement: `${good.revocationStatement} DROP ROLE "${word}-in-a-revocation";`,
  };
  const { client, host, port, database, username } = good;
  await setPassword(first.password, 'CREATE');
  await arm({ type: 'provider-down' });
  await stage.apply(
    ...connectionObjects(server, { name, hostAPI: api.url }),
    inputSecret(name, { ...first }),
    dynamicSecretManifest(name, {
      connectionRef: { name },
      provider: { type: 'sql-database', inputs: { client, host, port, database, username } },
      inputsFrom: inputsFrom(inputSecretName(name), ...Object.keys(first)),
    }),
  );
  await untilReason('ProviderUnreachable');
  await api.disarmFaults();

  // The answers of the creation and of the first change show every input, and are cut.
  for (const route of ['dynamic-secret-create', 'dynamic-secret-update'] as const)
    await arm({ type: 'truncated' }, { route });
  await untilSent('POST', first);
  await untilReason('Declared');

  // A lease whose creation PostgreSQL refuses; then all is well but the revocation.
  await stage.apply(
    leaseManifest(name, { connectionRef: undefined, dynamicSecret: undefined, dynamicSecretRef: { name } }),
  );
  await untilBooked('requested');
  const second = {
    ...first,
    password: `${word}-second-of-${profile}`,
    creationStatement: good.creationStatement,
  };
  await setPassword(second.password);
  await declare(second);
  await untilSent('PATCH', second);
  await stage.untilReady(name, 60_000);

  // Its revocation fails, and so does a removal that somebody asks for on the server.
  await stage.kubectl('delete', 'dsl', name, '--wait=false');
  await untilBooked('revoke-failed');
  await onServer(server, 'DELETE', name, { ...place, isForced: false });
  await until('what the server shows', ({ dynamicSecret }) => dynamicSecret?.status === 'Failed to delete');
  const [failed] = (await api.dynamicSecrets()).dynamicSecrets.filter((one) => one.name === name);
  const third = { ...second, revocationStatement: good.revocationStatement };
  await declare(third);
  await untilSent('PATCH', { revocationStatement: third.revocationStatement });
  await stage.untilGone(name, 60_000);

  // The removal fails, because a lease of somebody else cannot be revoked.
  await onServer(server, 'POST', 'leases', { ...place, dynamicSecretName: name });
  await arm({ type: 'provider-down' });
  await stage.kubectl('delete', 'dynsec', name, '--wait=false');
  await untilReason('RemovalFailed');
  await api.disarmFaults();
  await stage.kubectl('wait', `dynsec/${name}`, '--for=delete', '--timeout=60s');
  return { statuses, quoted: failed?.statusDetails ?? '' };
}

async function execute(postgres: Postgres, sql: string): Promise<void> {
  const { user, password } = postgres.superuser;
  const client = new Client({ connectionString: postgres.connectionString(user, password) });
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** Whether a request carries inputs, in the place where its method has them. */
function holds(body: unknown, inputs: Partial<Inputs>): boolean {
  const { data, provider } = sentBody.parse(body);
  const sent = z.object({ inputs: z.record(z.string(), z.unknown()) }).safeParse(data ?? provider).data;
  return Object.entries(inputs).every(([input, value]) => sent?.inputs[input] === value);
}

/** Somebody else's request to the server. @throws Error when it is refused */
async function onServer(
  { api, identity }: OwnServer,
  method: 'POST' | 'DELETE',
  what: string,
  body: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { accessToken } = await api.mintToken({ identityId: identity.identityId });
  const { status } = await fetch(`${api.url}/api/v1/dynamic-secrets/${what}`, {
    method,
    headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (status !== 200) throw new Error(`${method} ${what} was answered with ${String(status)}.`);
}
