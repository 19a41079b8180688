import { z } from 'zod';

import type { KeyRef } from '../api/object.ts';
import { found as orNothing, KubeError } from '../kube/kube-error.ts';
import { resource, type KubeResource, type ResourceType } from '../kube/resource.ts';
import type { Transport } from '../kube/transport.ts';
import type { Cluster, Credential } from './ports.ts';
import { objectData } from './records.ts';

export const configMapType: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  namespaced: true,
};
const serviceAccountType: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  namespaced: true,
};

/** What connections refer to. Nothing of it is watched or kept here: each is asked for by its exact name. */
export function referents(
  transport: Transport,
  secrets: KubeResource,
): Pick<Cluster, 'readCredential' | 'readVersion' | 'readConfigMap' | 'requestToken'> {
  const configMaps = resource(transport, configMapType);
  const serviceAccounts = resource(transport, serviceAccountType);
  return {
    async readCredential(namespace, { secretKeyRef: ref }) {
      const found = await readKey(secrets, namespace, ref);
      if (found === undefined) return undefined;
      const value = filled(Buffer.from(found.value, 'base64').toString('utf8'));
      return value === undefined ? undefined : { ...found, value };
    },
    async readVersion(namespace, name) {
      const raw = await orNothing(secrets.get({ namespace, name }, { metadataOnly: true }));
      return raw === undefined ? undefined : versioned.parse(raw).metadata;
    },
    async readConfigMap(namespace, ref) {
      return filled((await readKey(configMaps, namespace, ref))?.value);
    },
    async requestToken(namespace, name, { audience, seconds }) {
      const body = {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: seconds, ...(audience === undefined ? {} : { audiences: [audience] }) },
      };
      const raw = await orNothing(serviceAccounts.createSubresource({ namespace, name }, 'token', body));
      return raw === undefined ? undefined : tokenOf(raw);
    },
  };
}

async function readKey(
  type: KubeResource,
  namespace: string,
  { name, key }: KeyRef,
): Promise<Credential | undefined> {
  const raw = await orNothing(type.get({ namespace, name }));
  if (raw === undefined) return undefined;
  const { data, metadata } = object.parse(raw);
  const value = data !== undefined && Object.hasOwn(data, key) ? data[key] : undefined;
  return value === undefined ? undefined : { ...metadata, value };
}

const versioned = z.object({ metadata: z.object({ uid: z.string(), resourceVersion: z.string() }) });

const object = objectData.extend(versioned.shape);

/** A blank value is as good as none. */
function filled(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text;
}

const tokenAnswer = z.object({ status: z.object({ token: z.string().min(1) }) });

function tokenOf(raw: unknown): string {
  const answer = tokenAnswer.safeParse(raw);
  if (answer.success) return answer.data.status.token;
  // What it is instead may hold the token somewhere: nothing of it is told.
  throw new KubeError('create serviceaccounts/token', { reason: 'UnexpectedAnswer' });
}
