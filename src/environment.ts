import type { Config } from './config.ts';
import { cloudEnvironment } from './infisical/auth/cloud-environment.ts';
import { StartError } from './installation.ts';
import type { InCluster } from './kube/in-cluster.ts';
import { readProxies, type Proxies } from './network/proxies.ts';
import type { NetworkRules } from './reconcile/open-client.ts';

/** The variables that a process was started with. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The operator's own namespace where it runs outside of a cluster. */
export const HOME = 'leaseholder-system';

/**
 * How servers of connections are reached; the Kubernetes API never is by a proxy.
 *
 * @throws StartError when a variable names no address of a proxy.
 */
export function networkOf(config: Config, environment: Environment): NetworkRules {
  const { allowedHosts, allowInsecureTls, cloudIdentity } = config;
  return {
    allowedHosts,
    allowInsecure: allowInsecureTls === 'on',
    proxies: proxiesIn(environment),
    cloudIdentity,
    cloudEnvironment: cloudEnvironment(environment),
  };
}

function proxiesIn(environment: Environment): Proxies {
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
