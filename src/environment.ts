import { StartError } from './installation.ts';
import type { InCluster } from './kube/in-cluster.ts';
import { readProxies, type Proxies } from './network/proxies.ts';

/** The variables that a process was started with. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The operator's own namespace where it runs outside of a cluster. */
export const HOME = 'leaseholder-system';

/** @throws StartError when a variable names no address of a proxy. */
export function proxiesIn(environment: Environment): Proxies {
  const read = readProxies(environment);
  if ('wrong' in read) {
    throw new StartError(`${read.wrong} is no address of a proxy, such as http://proxy.example.com:3128.`);
  }
  return read;
}

/** Where a pod finds its API server. Undefined outside of clusters. */
export function inClusterOf(environment: Environment, folder: string): InCluster | undefined {
  const [host, port] = [environment['KUBERNETES_SERVICE_HOST'], environment['KUBERNETES_SERVICE_PORT']];
  return host === undefined || port === undefined ? undefined : { host, port, folder };
}
