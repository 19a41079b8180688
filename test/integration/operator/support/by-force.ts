import type { Stage } from '../../../support/stage.ts';

/** Deletes a connection that is in use as somebody does who takes its finalizer away. */
export async function deleteByForce(
  stage: Stage,
  namespace: string = 'default',
  name: string = 'infisical',
): Promise<void> {
  const object = `infisicalconnection/${name}`;
  await stage.kubectl('-n', namespace, 'delete', object, '--wait=false');
  const forced = JSON.stringify({ metadata: { finalizers: null } });
  await stage.kubectl('-n', namespace, 'patch', object, '--type=merge', '-p', forced);
  await stage.kubectl('-n', namespace, 'wait', object, '--for=delete', '--timeout=60s');
}
