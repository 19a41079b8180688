import { serviceAccountUser } from '../../../../sandbox/control-plane/service-account.ts';
import type { Stage } from '../../../support/stage.ts';

/** A process of the operator, with a user of its own so that the audit log can tell who did what. */
export interface Replica {
  readonly user: string;
  readonly kubeconfig: string;
}

/** An account with the operator's rights. @param role that of the election; default: as shipped. */
export async function replica(stage: Stage, name: string, role = 'leaseholder'): Promise<Replica> {
  const account = { namespace: 'leaseholder-system', name };
  const kubeconfig = await stage.plane.serviceAccountKubeconfig(account);
  const bind = (...args: string[]): Promise<string> =>
    stage.kubectl('create', ...args, `--serviceaccount=leaseholder-system:${name}`);
  await bind('clusterrolebinding', name, '--clusterrole=leaseholder');
  await bind('rolebinding', name, `--role=${role}`, '--namespace=leaseholder-system');
  return { user: serviceAccountUser(account), kubeconfig };
}
