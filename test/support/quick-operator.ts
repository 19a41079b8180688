/**
 * The scaled operator, quick to start: a suite may start some hundreds. The classes that @kubernetes/client-node generates
 * for each kind, of which the operator uses none, are left out.
 *
 * Usage: node test/support/quick-operator.ts FACTOR[/ELECTION] [FLAG ...]
 */
import { registerHooks } from 'node:module';

const nothing = 'data:text/javascript,export const createConfiguration = 0, ServerConfiguration = 0;';

registerHooks({
  resolve(specifier, context, next) {
    const isClient = context.parentURL?.includes('/@kubernetes/client-node/') === true;
    if (isClient && specifier === './gen/index.js') return { url: nothing, shortCircuit: true };
    if (specifier !== '@kubernetes/client-node') return next(specifier, context);
    const { url, ...found } = next(specifier, context);
    return { ...found, url: new URL('config.js', url).href };
  },
});
await import('./scaled-operator.ts');
