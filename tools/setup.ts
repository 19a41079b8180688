// Gets what the sandbox needs before the first demo or test: `npm run setup`.
import { resolveBinaries } from '../sandbox/binaries/resolve.ts';
import { binaryNames, binaryVersions } from '../sandbox/binaries/versions.ts';

try {
  const found = await resolveBinaries(binaryNames, { log: (line) => console.error(line) });
  for (const name of binaryNames) console.log(`${name} ${binaryVersions[name]}: ${found[name]}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
