import { secretTypes } from '../../api/secret-shape.ts';
import { fault, type Fault } from '../../errors.ts';
import { isDefinite, KubeError } from '../../kube/kube-error.ts';
import type { Content } from '../../secret/manifest.ts';
import { shapeOf } from '../../secret/shape.ts';
import type { LeaseRecord } from '../ports.ts';
import { claimOf, rivalOf } from './claims.ts';
import { secretKeyOf, type LeasePass, type StepResult } from './context.ts';
import { refusedFault, write } from './deliver.ts';
import { fail, faultOf } from './failure.ts';

/**
 * Tries the refused write without effect, so that a quota, a webhook or a foreign Secret never costs a lease per
 * retry.
 */
export async function tryDry(pass: LeasePass, object: LeaseRecord): Promise<StepResult> {
  const key = secretKeyOf(object);
  try {
    const live = await pass.cluster.secrets.look(key);
    if (live !== undefined && claimOf(pass, object, live) === 'foreign') {
      block(pass, fault('SecretConflict', { secret: live.name, by: rivalOf(pass, object, live) }));
      return 'again';
    }
    await write(pass, object, live, { content: placeholder(pass, object), dryRun: true });
    // The failures count on: what passes dry may be refused in earnest, again and again. The backoff is over by now.
    pass.remember({ blocked: undefined, tried: true });
  } catch (error) {
    if (error instanceof KubeError && isDefinite(error)) block(pass, refusedFault(object, error));
    else block(pass, faultOf(error, 'try the write of the Secret'));
  }
  return 'again';
}

function block(pass: LeasePass, why: Fault): void {
  pass.remember({ blocked: why });
  fail(pass, why);
}

/** Content of the size and shape of a real write, without a credential in it. */
function placeholder(pass: LeasePass, { spec }: LeaseRecord): Content {
  const connection = { kind: '', name: '', uid: '', host: '' };
  const lease = {
    id: '',
    expireAt: '',
    attempt: '',
    connection,
    projectSlug: '',
    environmentSlug: '',
    path: '',
    dynamicSecret: '',
  };
  const { type } = shapeOf(spec.valid ? spec.value.secret : undefined);
  // Kubernetes checks that they are there, and of one that it is JSON.
  const demanded = secretTypes[type].keys.map((key): [string, string] => [key, '{}']);
  const data = new Map([['DRY_RUN', pass.uid], ...demanded]);
  return { data, record: { lease, previous: [], digest: '' } };
}
