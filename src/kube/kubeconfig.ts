import type { RequestOptions } from 'node:https';

import type { KubeConfig } from '@kubernetes/client-node';

import type { Clock } from '../clock.ts';
import {
  cachedCredentials,
  KubeAccessError,
  type KubeAccess,
  type KubeCredentials,
  type KubeTLS,
} from './access.ts';

export interface KubeconfigOptions {
  /** Path of the file. Default: `KUBECONFIG`, else `~/.kube/config`. */
  readonly kubeconfig?: string | undefined;
  /** Default: the file's current context. */
  readonly context?: string | undefined;
}

/**
 * Access by a kubeconfig: client certificates, tokens, token files, exec plugins, proxies. The client library is loaded
 * only here: in a cluster nobody pays for it.
 *
 * @throws KubeAccessError when there is no kubeconfig or it does not lead to a server.
 */
export async function kubeconfigAccess(clock: Clock, options: KubeconfigOptions): Promise<KubeAccess> {
  let config = await load(options);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new KubeAccessError('The kubeconfig names no cluster for its context.');
  const credentials = await cachedCredentials(clock, async (anew) => {
    // An exec plugin's answer is cached within the loaded configuration, so that has to go as well.
    if (anew) config = await load(options);
    return credentialsOf(config);
  });
  const context = config.getContextObject(config.getCurrentContext());
  return {
    server: cluster.server.replace(/\/+$/, ''),
    namespace: context?.namespace ?? 'default',
    ...credentials,
  };
}

/** What client-node calls a configuration that it made up because it found none. */
const MADE_UP_CONTEXT = 'loaded-context';

async function load({ kubeconfig, context }: KubeconfigOptions): Promise<KubeConfig> {
  const client = await import('@kubernetes/client-node');
  const config = new client.KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch {
    // The parser's words may quote the file, which holds credentials.
    throw new KubeAccessError(`The kubeconfig ${kubeconfig ?? ''} cannot be read.`.replace('  ', ' '));
  }
  if (context !== undefined) config.setCurrentContext(context);
  if (config.getCurrentContext() === MADE_UP_CONTEXT) {
    throw new KubeAccessError('No kubeconfig was found. Name one, or run in a cluster.');
  }
  return config;
}

async function credentialsOf(config: KubeConfig): Promise<KubeCredentials> {
  const options: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch {
    // An exec plugin's own words may hold a credential.
    throw new KubeAccessError(
      "The kubeconfig's credentials cannot be read; its exec plugin may have failed.",
    );
  }
  return { headers: headersOf(options), tls: tlsOf(config, options) };
}

function headersOf({ headers, auth }: RequestOptions): Record<string, string> {
  const basic = typeof auth === 'string' ? { authorization: `Basic ${btoa(auth)}` } : {};
  if (headers === undefined || Array.isArray(headers)) return basic;
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
  return { ...basic, ...(Object.fromEntries(named) as Record<string, string>) };
}

function tlsOf(config: KubeConfig, options: RequestOptions): KubeTLS {
  const { ca, cert, key, servername, rejectUnauthorized } = options;
  const proxy = config.getCurrentCluster()?.proxyUrl;
  if (proxy?.startsWith('socks') === true) {
    throw new KubeAccessError(
      "The kubeconfig's proxy-url is a SOCKS proxy; only HTTP proxies are supported.",
    );
  }
  return {
    ...(ca === undefined ? {} : { ca: textOf(ca) }),
    ...(cert === undefined ? {} : { cert: textOf(cert) }),
    ...(key === undefined ? {} : { key: textOf(key) }),
    ...(servername === undefined ? {} : { servername }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    ...(proxy === undefined ? {} : { proxy }),
  };
}

/** client-node gives PEM as a buffer, or as text when an exec plugin made it. */
function textOf(pem: unknown): string {
  if (Buffer.isBuffer(pem)) return pem.toString('utf8');
  if (typeof pem === 'string') return pem;
  throw new KubeAccessError('The kubeconfig holds a certificate or key in an unknown form.');
}
