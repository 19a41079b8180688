import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';

import { awaitCondition } from '../../../../sandbox/control-plane/condition.ts';
import { type Aws, startAws } from '../../../../sandbox/clouds/aws.ts';
import { type Azure, startAzure } from '../../../../sandbox/clouds/azure.ts';
import type { Trusted } from '../../../../sandbox/clouds/federation.ts';
import { type Gcp, startGcp } from '../../../../sandbox/clouds/gcp.ts';
import { type Issuer, startIssuer } from '../../../../sandbox/issuer/issuer.ts';
import type { ConnectionAuth } from '../../../../src/api/auth.ts';
import { fault, FaultError } from '../../../../src/errors.ts';
import { cloudEnvironment } from '../../../../src/infisical/auth/cloud-environment.ts';
import { parseAllowedHosts, PUBLIC } from '../../../../src/network/allowed-hosts.ts';
import { noProxies } from '../../../../src/network/proxies.ts';
import type { CloudAccess } from '../../../../src/reconcile/connection/cloud-login.ts';
import { loginMethod } from '../../../../src/reconcile/connection/login.ts';
import { type ClientWorld, clientWorld } from '../client-world.ts';

/** A lease API beside the clouds, and connections that log in there: what is theirs is real but for the clouds themselves. */
export interface CloudWorld extends AsyncDisposable {
  readonly world: ClientWorld;
  readonly aws: Aws;
  readonly azure: Azure;
  readonly gcp: Gcp;
  /** Of the cluster: it signs tokens of service accounts. */
  readonly issuer: Issuer;
  /** The Secrets, each value under its name and key: `name/key`. */
  readonly secrets: Map<string, string>;
  /** The policy that takes tokens of one service account of the namespace `shop`. */
  trusting(account: string, audience: string): Trusted;
  /** A connection of the namespace `shop`; each call of what is returned is a new login. @returns the fault of one that fails */
  connection(auth: ConnectionAuth, access?: Partial<CloudAccess>): () => Promise<'accepted' | FaultError>;
  /** Writes a file that is to hold a token of the operator's pod. @returns its path */
  file(name: string, token: string): Promise<string>;
  /** The proofs of the logins of an identity that the server accepted, in order. */
  proofs(identityId: string): Promise<readonly (string | null)[]>;
  /** An identity that logs in so. @returns its id */
  identity(seed: Parameters<ClientWorld['api']['seedIdentity']>[0]): Promise<string>;
}

export async function cloudWorld(): Promise<CloudWorld> {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await clientWorld());
  const aws = stack.use(await startAws());
  const azure = stack.use(await startAzure());
  const gcp = stack.use(await startGcp());
  const issuer = stack.use(await startIssuer());
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, azure.ca]);
  stack.defer(() => setDefaultCACertificates(before));
  const folder = await mkdtemp(path.join(tmpdir(), 'leaseholder-clouds-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const secrets = new Map<string, string>();
  const running = stack.move();

  const cluster: Parameters<typeof loginMethod>[0]['cluster'] = {
    requestToken: (namespace, name, { audience }) =>
      issuer.sign({ sub: `system:serviceaccount:${namespace}:${name}`, aud: audience }),
  };
  const credentials: Parameters<typeof loginMethod>[0]['credentials'] = {
    read: (field, { secretKeyRef: { name, key } }) => {
      const value = secrets.get(`${name}/${key}`);
      return value === undefined
        ? Promise.reject(new FaultError(fault('CredentialNotFound', { field, secret: name, key })))
        : Promise.resolve(value);
    },
    changed: () => Promise.resolve(false),
  };

  return {
    world,
    aws,
    azure,
    gcp,
    issuer,
    secrets,
    trusting: (account, audience) => ({
      issuer: issuer.url,
      jwksUrl: issuer.jwksUrl,
      subject: `system:serviceaccount:shop:${account}`,
      audience,
    }),
    connection(auth, access) {
      const clouds: CloudAccess = {
        identity: 'cluster',
        ofCluster: false,
        network: { rule: { rule: 'administrator' }, proxies: noProxies },
        environment: cloudEnvironment({}),
        ...access,
      };
      const login = loginMethod({ cluster, credentials, namespace: 'shop', auth, clouds });
      return async () => {
        const client = world.connect({ login });
        try {
          await client.synchronise();
          await client.session.token();
          return 'accepted';
        } catch (error) {
          if (error instanceof FaultError) return error;
          throw error;
        }
      };
    },
    async proofs(identityId) {
      const { entries } = await world.api.readLedger();
      return entries
        .filter(({ event, by }) => event === 'login' && by === identityId)
        .map(({ proof }) => proof);
    },
    async file(name, token) {
      const file = path.join(folder, name);
      await writeFile(file, token);
      return file;
    },
    identity: async (seed) => (await world.api.seedIdentity(seed)).identityId,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** The rule for connections of namespaces, as shipped. */
export const fromInternet: CloudAccess['network'] = {
  rule: { rule: 'listed', hosts: parseAllowedHosts(PUBLIC) ?? [] },
  proxies: noProxies,
};

/** Names a key of a Secret. */
export function ref(name: string, key: string): { secretKeyRef: { name: string; key: string } } {
  return { secretKeyRef: { name, key } };
}

/** As a cluster connection, with these variables for what reads the environment. */
export function ofCluster(environment: Readonly<Record<string, string>> = {}): Partial<CloudAccess> {
  return { ofCluster: true, environment: cloudEnvironment(environment) };
}

export function messageOf(outcome: 'accepted' | FaultError): string {
  return outcome === 'accepted' ? outcome : `${outcome.fault.code}: ${outcome.fault.message}`;
}

/** What two logins come to that had a proof each. */
export const TWO = { outcomes: ['accepted', 'accepted'], proofs: 2 };

/** Logs in twice, in different seconds: a signature is told apart by its second. @returns how, and with how many proofs */
export async function twice(
  clouds: CloudWorld,
  logIn: () => Promise<'accepted' | FaultError>,
  identityId: string,
): Promise<{ outcomes: readonly string[]; proofs: number }> {
  const first = await logIn();
  const second = Math.floor(Date.now() / 1000);
  const later = (): Promise<boolean> => Promise.resolve(Math.floor(Date.now() / 1000) > second);
  await awaitCondition(later, { what: 'another second', intervalMs: 20 });
  const outcomes = [first, await logIn()].map(messageOf);
  return { outcomes, proofs: new Set(await clouds.proofs(identityId)).size };
}
