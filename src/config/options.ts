import { z } from 'zod';
import { parseAllowedHosts, PUBLIC } from '../network/allowed-hosts.ts';
import { logLevels } from '../observability/log.ts';
import {
  drainTime,
  identifier,
  listenAddress,
  namespaceList,
  namespaceName,
  nonEmpty,
  objectName,
  reads,
  shardName,
  wholeNumber,
} from './values.ts';

/** What `--help` and the documentation say of one option, and the default that its schema reads. */
interface About {
  /** The placeholder of the value. */
  readonly value: string;
  readonly meaning: string;
  /** What the value must be, as the end of "must be …". */
  readonly allowed: string;
  /** The text that is read where nothing is given. */
  readonly default?: string;
  /** What holds where nothing is given and there is no default text. */
  readonly otherwise?: string;
  /** A variable of other tools that is read last. Empty, it counts as not set, as it does for them. */
  readonly lastVariable?: string;
}

/** Where Kubernetes mounts the service account of a pod. */
const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

const about = z.registry<About>();

/**
 * Every option: flags, environment, defaults, help and documentation come from here. The flag is the key in kebab
 * case, the variable the key in upper snake case behind `LEASEHOLDER_`.
 *
 * No key may end in `Port`, `ServiceHost` or the like: Kubernetes itself sets `LEASEHOLDER_PORT` and others in the
 * pods beside a Service called leaseholder. For the same reason unknown variables are no fault.
 */
export const schema = z
  .object({
    kubeconfig: reads(nonEmpty).optional().register(about, {
      value: 'PATH',
      meaning:
        'Configuration of the connection to the cluster; like `KUBECONFIG` it may name several files, which are merged.',
      allowed: 'the path of a kubeconfig file',
      otherwise: 'the service account of the pod, or `~/.kube/config` outside of a cluster',
      lastVariable: 'KUBECONFIG',
    }),
    context: reads(nonEmpty).optional().register(about, {
      value: 'NAME',
      meaning: 'Context of the kubeconfig to use.',
      allowed: 'the name of a context in the kubeconfig',
      otherwise: 'the current context of the kubeconfig',
    }),
    serviceAccountFolder: reads(nonEmpty).register(about, {
      value: 'PATH',
      meaning:
        'Folder with `token`, `ca.crt` and `namespace` of the service account, for pods that mount it elsewhere than Kubernetes does by itself. Read in a pod only, and only without a kubeconfig.',
      allowed: 'the path of a folder',
      default: SERVICE_ACCOUNT_FOLDER,
    }),
    namespaces: reads(namespaceList).optional().register(about, {
      value: 'NAME,NAME',
      meaning: 'Namespaces whose objects are looked after.',
      allowed: 'names of namespaces with commas between them and no spaces',
      otherwise: 'all namespaces',
    }),
    shard: reads(shardName).optional().register(about, {
      value: 'NAME',
      meaning:
        'Which objects are looked after where several releases of the operator share a cluster: those with the label `leaseholder.dev/shard: NAME`. Without it those that lack the label. docs/shards.md tells more.',
      allowed: 'at most 40 lower-case letters, digits and dashes that begin and end with a letter or digit',
      otherwise: 'the objects without the label',
    }),
    installationId: reads(identifier).optional().register(about, {
      value: 'ID',
      meaning:
        'Name of this installation, put into every request for a lease, so that no other installation takes the lease for its own. It must differ between clusters that share a server, and stay the same for life.',
      allowed:
        'at most 63 letters, digits, dots, dashes and underscores that begin and end with a letter or digit',
      otherwise: 'the uid of the namespace kube-system',
    }),
    workers: wholeNumber(1, 256).register(about, {
      value: 'N',
      meaning: 'How many objects are worked on at the same time.',
      allowed: 'a whole number from 1 to 256',
      default: '32',
    }),
    kubeConnections: wholeNumber(1, 64).register(about, {
      value: 'N',
      meaning: 'How many connections the requests to the Kubernetes API share.',
      allowed: 'a whole number from 1 to 64',
      default: '8',
    }),
    listen: reads(listenAddress).register(about, {
      value: 'HOST:PORT',
      meaning:
        'Where `/livez`, `/readyz` and `/metrics` are served; port 0 is any free port; `off` serves none.',
      allowed: 'host:port, [IPv6 address]:port, or off',
      default: '0.0.0.0:8080',
    }),
    logLevel: z.enum(logLevels).register(about, {
      value: 'LEVEL',
      meaning: 'The least important log lines that are printed.',
      allowed: `one of ${logLevels.join(', ')}`,
      default: 'info',
    }),
    allowedHosts: reads(parseAllowedHosts).register(about, {
      value: 'HOST,HOST',
      meaning:
        'Where connections of namespaces may lead, each entry as `[SCHEME://]HOST[:PORT]`. HOST is `public` (any name of the Internet), a name, `*.` and a name (all below it), an address, or a range such as `10.0.0.0/8`. Without a scheme an entry is about https, without a port about all. Addresses that are not public are dialled only where they are listed, or belong to a private network and the name is listed. docs/network.md has examples.',
      allowed:
        'entries [SCHEME://]HOST[:PORT] with commas between them and no spaces, the scheme https or http, the host public, a name, *.name, an address or a range of addresses',
      default: PUBLIC,
    }),
    cloudIdentity: z.enum(['cluster', 'all', 'off']).register(about, {
      value: 'cluster|all|off',
      meaning:
        "Which connections may log in with the cloud identity of the operator's own pod (`operatorIdentity` of aws, azure and gcp): `cluster` ClusterInfisicalConnections, `all` those of namespaces too, `off` none. With `all` whoever may make a connection in a namespace can have any server shown a proof of that identity. docs/logins.md tells more.",
      allowed: 'cluster, all or off',
      default: 'cluster',
    }),
    allowInsecureTls: z.enum(['on', 'off']).register(about, {
      value: 'on|off',
      meaning:
        'Whether `insecureSkipVerify: true` of a connection is heeded, so that the certificate of its server is not verified. For trials only: whoever stands in between can read every credential.',
      allowed: 'on or off',
      default: 'off',
    }),
    nudgePods: z.enum(['on', 'off']).register(about, {
      value: 'on|off',
      meaning:
        'Whether `spec.secret.propagation: Nudge` of a lease is heeded, so that pods which mount its Secret are annotated when the credentials change and see them within a second or so. Pods are watched for it. Needs the ClusterRole `leaseholder-nudge` (`nudge.enabled` of the chart); docs/restarts.md tells more.',
      allowed: 'on or off',
      default: 'off',
    }),
    strict: z.enum(['on', 'off']).register(about, {
      value: 'on|off',
      meaning:
        'Whether the operator works without the right to read Secrets: those that it has written are looked at by dry runs, all of them in five minutes, and an admission policy keeps it from all others. Connections then log in by service accounts, or by Secrets that are granted by name. docs/strict.md tells more.',
      allowed: 'on or off',
      default: 'off',
    }),
    drainTimeout: reads(drainTime).register(about, {
      value: 'DURATION',
      meaning:
        'How long work in hand may go on after SIGTERM. Keep it below the terminationGracePeriodSeconds of the pod.',
      allowed: 'a whole number and one of the units s, m, h (90s, not 1m30s), from 1s to 1h',
      default: '25s',
    }),
    leaderElection: z.enum(['on', 'off']).register(about, {
      value: 'on|off',
      meaning:
        'Whether one of several replicas is elected to work while the others stand by. Only a process that is surely the only one may go without.',
      allowed: 'on or off',
      default: 'on',
    }),
    leaderElectionNamespace: reads(namespaceName).optional().register(about, {
      value: 'NAME',
      meaning: 'Namespace of the Lease (coordination.k8s.io) that the election is held with.',
      allowed: 'the name of a namespace',
      otherwise: 'the namespace of the pod, or `leaseholder-system` outside of a cluster',
    }),
    clusterConnectionNamespace: reads(namespaceName).optional().register(about, {
      value: 'NAME',
      meaning:
        'Namespace of the Secrets that ClusterInfisicalConnections name. With `--namespaces` there are no such connections.',
      allowed: 'the name of a namespace',
      otherwise: 'the namespace of the pod, or `leaseholder-system` outside of a cluster',
    }),
    leaderElectionName: reads(objectName).optional().register(about, {
      value: 'NAME',
      meaning:
        'Name of that Lease. Operators that look after different namespaces of one cluster need different names; those of different shards have them by themselves.',
      allowed: 'lower-case letters, digits, dots and dashes that begin and end with a letter or digit',
      otherwise: '`leaseholder`, with `--shard NAME` `leaseholder-NAME`',
    }),
  })
  .readonly();

/**
 * The operator's configuration, checked and frozen. Durations are milliseconds.
 *
 * `namespaces`: undefined stands for all. `listen`: `off`, or an address whose port may be 0.
 */
export type Config = z.output<typeof schema>;

export interface Option extends About {
  readonly key: string;
  readonly flag: string;
  readonly variable: string;
}

export const options: readonly Option[] = Object.entries(schema.unwrap().shape).flatMap(([key, field]) => {
  const words = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const variable = `LEASEHOLDER_${words.replaceAll('-', '_').toUpperCase()}`;
  const described = about.get(field);
  return described === undefined ? [] : [{ ...described, key, flag: `--${words}`, variable }];
});
