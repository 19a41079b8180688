/** What Azure Auth shows. Loaded when a login uses it: Microsoft's library comes with it. */
import { readFile } from 'node:fs/promises';

import { ConfidentialClientApplication, ManagedIdentityApplication } from '@azure/msal-node';
import type { INetworkModule, NetworkRequestOptions, NetworkResponse } from '@azure/msal-node';
import { z } from 'zod';

import { FaultError } from '../../errors.ts';
import { CloudError, type CloudNetwork, type ProofContext } from './cloud.ts';
import { askCloud, metadataNetwork, refusedWith } from './cloud-request.ts';

export interface AzureOptions {
  /** @default Azure's own API, as servers have it by default */
  readonly resource?: string | undefined;
  readonly source: AzureSource;
}

/** Whose token it is. */
export type AzureSource = ({ readonly kind: 'workload' } & Workload) | ({ readonly kind: 'operator' } & Own);

interface Workload {
  readonly tenantId: string;
  readonly clientId: string;
  /** @default Microsoft's public one */
  readonly authorityHost?: string | undefined;
  /** Of the service account. */
  readonly token: string;
}

interface Own {
  readonly clientId?: string | undefined;
}

const RESOURCE = 'https://management.azure.com/';
const AUTHORITY = 'https://login.microsoftonline.com';

/** @throws CloudError, FaultError */
export async function azureProof(
  { resource = RESOURCE, source }: AzureOptions,
  context: ProofContext,
): Promise<Readonly<Record<string, string>>> {
  const guard = guarded();
  try {
    const jwt = source.kind === 'workload' ? workload(source) : own(source);
    return { jwt: await jwt({ resource, context, guard }) };
  } catch (error) {
    // The library wraps what our own requests throw.
    throw guard.raised ?? translated(error);
  }
}

interface Asking {
  readonly resource: string;
  readonly context: ProofContext;
  readonly guard: Guard;
}

type Ask = (asking: Asking) => Promise<string>;

/** A token for the token of a service account (OAuth 2.0 client credentials with an assertion). */
function workload({ tenantId, clientId, token, authorityHost = AUTHORITY }: Workload): Ask {
  return async ({ resource, context, guard }) => {
    const { host, origin } = new URL(authorityHost);
    const auth = {
      clientId,
      authority: `${origin}/${tenantId}`,
      knownAuthorities: [host],
      clientAssertion: token,
    };
    const system = systemOf(guard, context, context.network);
    const application = new ConfidentialClientApplication({ auth, system });
    // The slash at the end of a resource stays: the token's audience has it, too.
    const scopes = [`${resource}/.default`];
    return tokenIn(await application.acquireTokenByClientCredential({ scopes, skipCache: true }));
  };
}

/** What the operator's own pod is to Azure: by workload identity where its webhook has said so, else by managed identity. */
function own({ clientId }: Own): Ask {
  return async (asking) => {
    const { resource, context, guard } = asking;
    const {
      AZURE_FEDERATED_TOKEN_FILE: file,
      AZURE_TENANT_ID: tenantId,
      AZURE_CLIENT_ID: ownClient,
      AZURE_AUTHORITY_HOST: authorityHost,
    } = context.environment;
    const client = clientId ?? ownClient;
    if (file !== undefined && tenantId !== undefined && client !== undefined) {
      const token = (await readFile(file, 'utf8')).trim();
      const network: CloudNetwork = { ...context.network, rule: { rule: 'administrator' } };
      const federated = workload({ tenantId, clientId: client, token, authorityHost });
      return federated({ ...asking, context: { ...context, network } });
    }
    const system = systemOf(guard, context, metadataNetwork);
    const id = clientId === undefined ? {} : { managedIdentityIdParams: { userAssignedClientId: clientId } };
    const application = new ManagedIdentityApplication({ ...id, system });
    return tokenIn(await application.acquireToken({ resource, forceRefresh: true }));
  };
}

function tokenIn(result: { readonly accessToken: string } | null): string {
  if (result === null || result.accessToken === '') throw new CloudError('Azure answered without a token');
  return result.accessToken;
}

/** Keeps what our own part of a request raised. */
interface Guard {
  raised: CloudError | FaultError | undefined;
}

function guarded(): Guard {
  return { raised: undefined };
}

interface System {
  readonly networkClient: INetworkModule;
  readonly disableInternalRetries: true;
}

function systemOf(guard: Guard, { signal }: ProofContext, network: CloudNetwork): System {
  const field = 'spec.auth.azure.workloadIdentity.authorityHost';
  const send = async (
    method: 'GET' | 'POST',
    url: string,
    { headers, body }: NetworkRequestOptions = {},
  ): Promise<{ headers: Record<string, string>; body: unknown; status: number }> => {
    try {
      const asked = { method, url, headers: headers ?? {}, body };
      const answer = await askCloud(network, asked, { signal, field });
      if (answer.status >= 500) throw refusedWith(answer.status);
      return { headers: { ...answer.headers }, body: parsed(answer.body), status: answer.status };
    } catch (error) {
      if (error instanceof CloudError || error instanceof FaultError) guard.raised = error;
      throw error;
    }
  };
  return {
    disableInternalRetries: true,
    networkClient: {
      // The library checks what it needs of an answer itself, of whatever type it calls it.
      sendGetRequestAsync: async <T>(url: string, options?: NetworkRequestOptions) =>
        (await send('GET', url, options)) as NetworkResponse<T>,
      sendPostRequestAsync: async <T>(url: string, options?: NetworkRequestOptions) =>
        (await send('POST', url, options)) as NetworkResponse<T>,
    },
  };
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new CloudError('an answer that is no JSON');
  }
}

/** Refusals of OAuth 2.0 that tell what to mend. What Azure says beside them is not repeated. */
const telling: ReadonlySet<string> = new Set([
  'invalid_client',
  'invalid_grant',
  'invalid_request',
  'invalid_resource',
  'invalid_scope',
  'unauthorized_client',
]);

/** What the library throws. */
const coded = z.looseObject({ errorCode: z.string(), status: z.number().optional() });

function translated(error: unknown): unknown {
  const { data } = coded.safeParse(error);
  if (data === undefined) return error;
  const word = telling.has(data.errorCode) ? [data.errorCode] : [];
  const status = data.status === undefined ? [] : [`status ${String(data.status)}`];
  const known = [...status, ...word].join(', ');
  return new CloudError(`Azure gave no token${known === '' ? '' : `: ${known}`}`, { cause: error });
}
