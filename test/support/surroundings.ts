import { readFile } from 'node:fs/promises';

import { ApiClient, type ApiAnswer, type ApiRequest } from '../../sandbox/control-plane/api-client.ts';
import type { AuditEvent } from '../../sandbox/control-plane/audit.ts';
import { createCertificates, type CertificateSet } from '../../sandbox/lease-api/certificate.ts';
import { startLeaseApi, type LeaseApi } from '../../sandbox/lease-api/lease-api.ts';
import { startPostgres, type Postgres } from '../../sandbox/postgres/start.ts';
import { tokenIn } from '../../sandbox/control-plane/kubeconfig.ts';
import { startStage, type Stage } from './stage.ts';
import { auditByNamespace } from './audit.ts';
import type { ServerKind } from './server-kind.ts';

/** What all lives share; all of it is real. */
export interface Surroundings extends AsyncDisposable {
  readonly stage: Stage;
  readonly servers: Readonly<Record<ServerKind, LeaseApi>>;
  readonly postgres: Postgres;
  readonly certificates: CertificateSet;
  /** The operator's bearer token. */
  readonly token: string;
  readonly kubeCA: string;
  /** The admin's bearer token. */
  readonly adminToken: string;
  /** Asks the API server as the admin. @throws Error when it says anything but 2xx or 404. */
  readonly ask: (path: string, request?: ApiRequest) => Promise<ApiAnswer>;
  /** Every request about a namespace's objects so far. */
  readonly audit: (namespace: string) => Promise<readonly AuditEvent[]>;
}

/** One control plane, one PostgreSQL, and a lease API of each kind before it. */
export async function startSurroundings(): Promise<Surroundings> {
  await using stack = new AsyncDisposableStack();
  const stage = stack.use(await startStage());
  const postgres = stack.use(await startPostgres());
  const servers = {
    'tags-kept': stack.use(await startLeaseApi()),
    'tags-dropped': stack.use(await startLeaseApi({ profile: '2024' })),
  };
  const { plane } = stage;
  const account = '--serviceaccount=leaseholder-system:leaseholder';
  await stage.kubectl(
    'create',
    'clusterrolebinding',
    'restarts',
    '--clusterrole=leaseholder-restart',
    account,
  );
  const kubeCA = await readFile(plane.caFile, 'utf8');
  const adminToken = await tokenIn(plane.kubeconfig);
  const admin = stack.adopt(new ApiClient(plane.server, kubeCA, adminToken), (client) => client.close());
  const token = await tokenIn(stage.kubeconfig);
  const all = stack.move();
  return {
    stage,
    servers,
    postgres,
    certificates: createCertificates(),
    token,
    kubeCA,
    adminToken,
    async ask(path, request) {
      const answer = await admin.send(path, request);
      if (answer.status < 300 || answer.status === 404) return answer;
      throw new Error(`${request?.method ?? 'GET'} ${path} was answered with ${String(answer.status)}.`);
    },
    audit: auditByNamespace(plane.audit),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
