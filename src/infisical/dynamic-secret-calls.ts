import type { DynamicSecret, Target } from '../api/lease.ts';
import type { Clock } from '../clock.ts';
import type { Timing } from '../timing.ts';
import type { AuthorisedCall } from './authorised-call.ts';
import type { DynamicSecretClient, Folder, SendOptions } from './dynamic-secrets.ts';
import type { AskedOfDynamicSecret } from './dynamic-secret-faults.ts';
import { mendableRead, retrying } from './retry.ts';
import { changedDynamicSecret, dynamicSecretList } from './schemas.ts';
import { MAX_LIST, type TransportRequest } from './transport.ts';

export interface DynamicSecretCallsOptions {
  readonly host: string;
  readonly call: AuthorisedCall;
  readonly clock: Clock;
  readonly timing: Timing;
}

const ALL = '/v1/dynamic-secrets';

/** The calls about dynamic secrets, as {@link DynamicSecretClient} tells them. */
export function dynamicSecretCalls(options: DynamicSecretCallsOptions): DynamicSecretClient {
  const { host, call, clock, timing } = options;
  const deadline = (): number => clock.elapsed() + timing.apiRequestDeadline;

  async function change(
    asked: AskedOfDynamicSecret,
    request: Pick<TransportRequest, 'method' | 'path' | 'body' | 'route'>,
    { beforeSending }: SendOptions = {},
  ): Promise<DynamicSecret> {
    return call({
      asked,
      request: { ...request, deadline: deadline() },
      answer: changedDynamicSecret,
      onToken: () => beforeSending?.(),
    });
  }

  return {
    createDynamicSecret(target, declared, sending) {
      const { defaultTTL, maxTTL, usernameTemplate, metadata, provider } = declared;
      const body = {
        ...folderOf(target),
        name: target.dynamicSecret,
        defaultTTL,
        ...(maxTTL === undefined ? {} : { maxTTL }),
        ...(usernameTemplate === undefined ? {} : { usernameTemplate }),
        ...(metadata === undefined ? {} : { metadata }),
        provider: { type: provider.type, inputs: provider.inputs },
      };
      const request = { method: 'POST', path: ALL, body, route: 'create-dynamic-secret' } as const;
      const inputs = Object.keys(provider.inputs);
      return change({ kind: 'createDynamicSecret', host, target, inputs }, request, sending);
    },

    updateDynamicSecret(target, data, sending) {
      const body = { ...folderOf(target), data };
      const request = {
        method: 'PATCH',
        path: pathOf(target),
        body,
        route: 'update-dynamic-secret',
      } as const;
      const inputs = Object.keys(data.inputs ?? {});
      const asked = { kind: 'updateDynamicSecret', host, target, inputs, newName: data.newName } as const;
      return change(asked, request, sending);
    },

    deleteDynamicSecret(target, { forced, ...sending }) {
      // Without a body the server refuses it.
      const body = { ...folderOf(target), isForced: forced };
      const request = {
        method: 'DELETE',
        path: pathOf(target),
        body,
        route: 'delete-dynamic-secret',
      } as const;
      return change({ kind: 'deleteDynamicSecret', host, target }, request, sending);
    },

    async listDynamicSecrets(folder) {
      const until = deadline();
      const wanted = {
        asked: { kind: 'listDynamicSecrets', host, folder },
        request: {
          method: 'GET',
          path: ALL,
          query: folderOf(folder),
          deadline: until,
          maxBytes: MAX_LIST,
          route: 'list-dynamic-secrets',
        },
        answer: dynamicSecretList,
      } as const;
      return retrying({ clock, timing, deadline: until, mendable: mendableRead }, () => call(wanted));
    },
  };
}

/** Exactly what the API knows: a target has more keys than a folder. */
function folderOf({ projectSlug, environmentSlug, path }: Folder): Readonly<Record<string, string>> {
  return { projectSlug, environmentSlug, path };
}

function pathOf({ dynamicSecret }: Target): string {
  return `${ALL}/${encodeURIComponent(dynamicSecret)}`;
}
