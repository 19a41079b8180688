// Looks for all binaries in a process of its own, which a test can kill.
import { resolveBinaries } from '../../../../sandbox/binaries/resolve.ts';
import { unreachableSites } from './unreachable-sites.ts';

await resolveBinaries(undefined, { sites: unreachableSites, log: (line) => console.log(line) });
