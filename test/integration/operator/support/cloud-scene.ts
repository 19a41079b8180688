import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { type Aws, startAws } from '../../../../sandbox/clouds/aws.ts';
import { type Azure, startAzure } from '../../../../sandbox/clouds/azure.ts';
import type { Trusted } from '../../../../sandbox/clouds/federation.ts';
import { type Gcp, startGcp } from '../../../../sandbox/clouds/gcp.ts';
import { type Issuer, startIssuer } from '../../../../sandbox/issuer/issuer.ts';
import { API_VERSION } from '../../../../src/api/names.ts';
import { leaseManifest, type Stage } from '../../../support/stage.ts';

/** The role that the operator's pod has, and its account at Google Cloud. */
export const ROLE = 'arn:aws:iam::123456789012:role/leaseholder';
export const NODE = 'node@a-project.iam.gserviceaccount.com';

/** The clouds beside a stage, and what they have told the operator's pod by its environment. */
export interface CloudScene extends AsyncDisposable {
  readonly aws: Aws;
  readonly azure: Azure;
  readonly gcp: Gcp;
  /** Signs the tokens that the pod has for AWS. */
  readonly issuer: Issuer;
  readonly environment: Readonly<Record<string, string>>;
  /** Puts another token for AWS where the pod has its own. @returns it */
  putToken(lifeSeconds?: number): Promise<string>;
  /** The policy that takes tokens of a service account of the stage's own cluster. */
  trusting(account: string, audience: string): Trusted;
  /** What all clouds were asked, in no order between them. */
  asked(): readonly string[];
}

const OPERATOR = 'system:serviceaccount:leaseholder-system:leaseholder';

export async function cloudScene(stage: Stage): Promise<CloudScene> {
  await using stack = new AsyncDisposableStack();
  const aws = stack.use(await startAws());
  const azure = stack.use(await startAzure());
  const gcp = stack.use(await startGcp());
  const issuer = stack.use(await startIssuer());
  const folder = await mkdtemp(path.join(tmpdir(), 'leaseholder-clouds-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const [token, ca] = [path.join(folder, 'token'), path.join(folder, 'ca.crt')];
  await writeFile(ca, azure.ca);
  const clusterCA = await readFile(stage.plane.caFile, 'utf8');
  // What makes the cluster's issuer public: everybody may read its keys.
  const apiGroup = 'rbac.authorization.k8s.io';
  await stage.apply({
    apiVersion: `${apiGroup}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: 'public-issuer' },
    roleRef: { apiGroup, kind: 'ClusterRole', name: 'system:service-account-issuer-discovery' },
    subjects: [{ apiGroup, kind: 'Group', name: 'system:unauthenticated' }],
  });
  const trusted = { issuer: issuer.url, jwksUrl: issuer.jwksUrl, subject: OPERATOR };
  aws.addRole(ROLE, { ...trusted, audience: 'sts.amazonaws.com' });
  gcp.host({ account: NODE, projectId: 'a-project', zone: 'europe-west3-a' });
  const running = stack.move();
  return {
    aws,
    azure,
    gcp,
    issuer,
    environment: {
      AWS_ENDPOINT_URL_STS: aws.url,
      AWS_ROLE_ARN: ROLE,
      AWS_WEB_IDENTITY_TOKEN_FILE: token,
      AZURE_POD_IDENTITY_AUTHORITY_HOST: azure.metadataUrl,
      GCE_METADATA_HOST: gcp.metadataHost,
      NODE_EXTRA_CA_CERTS: ca,
    },
    async putToken(lifeSeconds = 600) {
      const signed = await issuer.sign({ sub: OPERATOR, aud: 'sts.amazonaws.com' }, { lifeSeconds });
      await writeFile(token, signed);
      return signed;
    },
    trusting: (account, audience) => ({
      issuer: 'https://kubernetes.default.svc',
      jwksUrl: `${stage.plane.server}/openid/v1/jwks`,
      ca: clusterCA,
      subject: `system:serviceaccount:default:${account}`,
      audience,
    }),
    asked: () => [...aws.asked, ...azure.asked, ...gcp.asked],
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** A cluster connection that everybody may lease through, and a lease of the same name through it. */
export function clusterConnectionAndLease(stage: Stage, name: string, auth: object): readonly object[] {
  const connection = {
    apiVersion: API_VERSION,
    kind: 'ClusterInfisicalConnection',
    metadata: { name },
    spec: { hostAPI: stage.api.url, auth, grants: [{ namespaceSelector: {} }] },
  };
  return [connection, leaseManifest(name, { connectionRef: { kind: 'ClusterInfisicalConnection', name } })];
}
