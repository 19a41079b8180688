import { join } from 'node:path';

import type { Plugin } from 'esbuild';

/** What of undici the sources import. A name that is missing here fails the build. */
const UNDICI = {
  Agent: 'dispatcher/agent.js',
  ProxyAgent: 'dispatcher/proxy-agent.js',
  buildConnector: 'core/connect.js',
} as const;

/**
 * Leaves out what libraries load with themselves and the program never uses: zod's words in languages other than English, and of
 * undici everything but its dispatchers (fetch, mocks, caches, SQLite). What libraries import of one another is left as it is.
 * Measured: 4 MiB of a process at rest, and 0.7 MB of what a start reads.
 *
 * Node's `http` and `https` are asked for by `require`: an import evaluates all of their exports at once, and one of them loads the undici
 * that Node has inside.
 */
export function lean(root: string): Plugin {
  const sources = join(root, 'src');
  const folder = join(root, 'node_modules', 'undici', 'lib');
  const exports = Object.entries(UNDICI).map(
    ([name, file]) => `export { default as ${name} } from ${JSON.stringify(join(folder, file))};`,
  );
  // As undici's own index does it: dispatchers have `request` and `stream` from there.
  const methods = [
    `import Dispatcher from ${JSON.stringify(join(folder, 'dispatcher', 'dispatcher.js'))};`,
    `import api from ${JSON.stringify(join(folder, 'api', 'index.js'))};`,
    'Object.assign(Dispatcher.prototype, api);',
  ];
  return {
    name: 'lean',
    setup(build) {
      build.onResolve({ filter: /^undici$/ }, ({ importer }) =>
        importer.startsWith(sources) ? { path: 'undici', namespace: 'lean' } : undefined,
      );
      build.onLoad({ filter: /^undici$/, namespace: 'lean' }, () => ({
        contents: [...exports, ...methods].join('\n'),
        resolveDir: root,
      }));
      build.onResolve({ filter: /^(?:node:)?https?$/ }, ({ path, kind }) =>
        kind === 'import-statement' ? { path, namespace: 'required' } : undefined,
      );
      build.onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => ({
        contents: `module.exports = require(${JSON.stringify(path)});`,
      }));
      build.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
        contents: "export { default as en } from './en.js';",
      }));
    },
  };
}
