import { startLeaseApi, type LeaseApi } from '../../../../sandbox/lease-api/lease-api.ts';
import type { LeaseApiOptions } from '../../../../sandbox/lease-api/options.ts';
import type { Stage } from '../../../support/stage.ts';

/** A lease API that no other test shares, with an identity that may do everything in its project. */
export interface OwnServer extends AsyncDisposable {
  readonly api: LeaseApi;
  readonly identity: Stage['identity'];
  /** The id of the dynamic secret `orders` in project `shop`, environment `prod`. */
  readonly dynamicSecretId: string;
}

export async function ownServer(
  options: LeaseApiOptions = {},
  seed: Partial<Parameters<LeaseApi['seedDynamicSecret']>[0]> = {},
): Promise<OwnServer> {
  const api = await startLeaseApi(options);
  const place = { projectSlug: 'shop', environmentSlug: 'prod' };
  const { dynamicSecretId } = await api.seedDynamicSecret({ ...place, name: 'orders', ...seed });
  const identity = await api.seedIdentity({ grants: [{ projectSlug: 'shop' }] });
  return { api, identity, dynamicSecretId, [Symbol.asyncDispose]: () => api.stop() };
}
