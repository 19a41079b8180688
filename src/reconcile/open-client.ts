import { methodOf } from '../api/infisical-connection.ts';
import type { ConnectionIdentity } from '../api/lease.ts';
import type { Clock } from '../clock.ts';
import { createLeaseClient, type ConnectedLeaseClient, type OwnLeaseClient } from '../infisical/client.ts';
import type { Gates } from '../infisical/gate/gates.ts';
import { parseAllowedHosts, PUBLIC, type AllowedHosts, type DialRule } from '../network/allowed-hosts.ts';
import { noProxies, type Proxies } from '../network/proxies.ts';
import type { Log, Metrics } from '../telemetry.ts';
import type { Timing } from '../timing.ts';
import { cloudEnvironment, type AllowedEnvironment } from '../infisical/auth/cloud-environment.ts';
import type { CloudIdentity } from './connection/cloud-login.ts';
import { credentialsIn } from './connection/credentials.ts';
import { loginMethod } from './connection/login.ts';
import { trustOf } from './connection/trust.ts';
import type { Cluster, ConnectionRecord } from './ports.ts';

/** What the administrator says of the connections to servers. */
export interface NetworkRules {
  readonly allowedHosts: AllowedHosts;
  /** Whether `insecureSkipVerify` of a connection is heeded. */
  readonly allowInsecure: boolean;
  readonly proxies: Proxies;
  /** Which connections may use the cloud identity of the operator's own pod. */
  readonly cloudIdentity: CloudIdentity;
  /** What tells where that identity comes from. */
  readonly cloudEnvironment: AllowedEnvironment;
}

const strictest: NetworkRules = {
  allowedHosts: parseAllowedHosts(PUBLIC) ?? [],
  allowInsecure: false,
  proxies: noProxies,
  cloudIdentity: 'off',
  cloudEnvironment: cloudEnvironment({}),
};

/**
 * Makes the client of a connection. `onSessionChange` is to be called after each login and change of its fault, `onOutage`
 * when its server has ceased to answer, or answers again.
 */
export type OpenClient = (
  connection: ConnectionRecord,
  identity: ConnectionIdentity,
  onSessionChange: () => void,
  onOutage: () => void,
) => ConnectedLeaseClient;

export interface ClientOptions {
  /** Where credentials and CAs are read, and tokens made. */
  readonly cluster: Pick<Cluster, 'readCredential' | 'readConfigMap' | 'requestToken'>;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Namespace of the Secrets that cluster connections name. */
  readonly home: string;
  /** Default: to public names over https, without proxies. */
  readonly network?: NetworkRules;
}

/**
 * Opens clients of the lease API, over the network.
 *
 * @param allGates what all connections to one server share. Undefined: nothing waits or is held back.
 */
export function clientOverNetwork(
  options: ClientOptions,
  allGates: Gates | undefined,
): (...opened: Parameters<OpenClient>) => OwnLeaseClient {
  const { cluster, clock, timing, log, metrics, home, network = strictest } = options;
  const { allowedHosts, allowInsecure, proxies, cloudIdentity } = network;
  return (connection, identity, onSessionChange, onOutage) => {
    if (!connection.spec.valid) throw new RangeError('A link needs a valid connection.');
    const spec = connection.spec.value;
    const isOfCluster = connection.kind === 'ClusterInfisicalConnection';
    const namespace = isOfCluster ? home : connection.namespace;
    const credentials = credentialsIn(cluster, namespace);
    const rule: DialRule = isOfCluster ? { rule: 'administrator' } : { rule: 'listed', hosts: allowedHosts };
    return createLeaseClient({
      host: identity.host,
      network: {
        rule,
        proxies,
        tls: trustOf({
          cluster,
          namespace,
          spec,
          allowInsecure,
          maxAge: timing.tlsRefresh,
        }),
      },
      login: loginMethod({
        cluster,
        credentials,
        namespace,
        auth: spec.auth,
        clouds: {
          identity: cloudIdentity,
          ofCluster: isOfCluster,
          network: { rule, proxies },
          environment: network.cloudEnvironment,
        },
      }),
      way: methodOf(spec) ?? 'token',
      credentialChanged: () => credentials.changed(),
      clock,
      timing,
      log: log.with({ connection: connection.key }),
      metrics,
      gates: allGates,
      onSessionChange,
      onOutage,
    });
  };
}
