/**
 * The scaled operator, quick to start: a suite may start some hundreds. Compiled code is kept between starts, and what
 * the operator never uses is left out: of @kubernetes/client-node the classes that it generates for each kind, the
 * logins that no kubeconfig here names, and proxies.
 *
 * Usage: NODE_COMPILE_CACHE=FOLDER node test/support/quick-operator.ts FACTOR[/ELECTION] [FLAG ...]
 */
import { registerHooks } from 'node:module';

/** What @kubernetes/client-node imports, and the names that it takes from there. */
const unused: Readonly<Record<string, readonly string[]>> = {
  './gen/index.js': ['createConfiguration', 'ServerConfiguration'],
  './azure_auth.js': ['AzureAuth'],
  './exec_auth.js': ['ExecAuth'],
  './file_auth.js': ['FileAuth'],
  './gcp_auth.js': ['GoogleCloudPlatformAuth'],
  './oidc_auth.js': ['OpenIDConnectAuth'],
  'socks-proxy-agent': ['SocksProxyAgent'],
  socks: ['SocksClient'],
  hpagent: ['HttpProxyAgent', 'HttpsProxyAgent'],
};

/** Classes that are asked one thing alone: whether a user of a kubeconfig logs in by them. */
function standIns(names: readonly string[]): string {
  const code = names.map((name) => `export class ${name} { isAuthProvider() { return false; } }`);
  return `data:text/javascript,${encodeURIComponent(code.join('\n'))}`;
}

registerHooks({
  resolve(specifier, context, next) {
    const isClient = context.parentURL?.includes('/@kubernetes/client-node/') === true;
    const names = isClient ? unused[specifier] : undefined;
    if (names !== undefined) return { url: standIns(names), shortCircuit: true };
    if (specifier !== '@kubernetes/client-node') return next(specifier, context);
    const { url, ...found } = next(specifier, context);
    return { ...found, url: new URL('config.js', url).href };
  },
});
await import('./scaled-operator.ts');
