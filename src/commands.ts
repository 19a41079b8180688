import { text } from 'node:stream/consumers';

import { renderCrds } from './crds/command.ts';
import { migrateText, parseMigrate } from './migrate/command.ts';

/** Where a command reads and writes. */
export interface Streams {
  readonly input: AsyncIterable<unknown>;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
}

/**
 * The commands that need no cluster: `crds` and `migrate`.
 *
 * @returns the exit code; undefined where the command line is none of theirs.
 */
export async function runOffline(argv: readonly string[], streams: Streams): Promise<number | undefined> {
  const [name, ...rest] = argv;
  switch (name) {
    case 'crds':
      return printCrds(rest, streams);
    case 'migrate':
      return runMigrate(rest, streams);
    default:
      return undefined;
  }
}

async function printCrds(argv: readonly string[], { print, complain }: Streams): Promise<number> {
  if (argv.length > 0 && argv[0] !== '--help') {
    complain('leaseholder crds takes no arguments.\n');
    return 2;
  }
  print(argv.length > 0 ? CRDS_HELP : await renderCrds());
  return 0;
}

const CRDS_HELP = 'leaseholder crds: prints the custom resource definitions, for kubectl apply -f -.\n';

async function runMigrate(argv: readonly string[], { input, print, complain }: Streams): Promise<number> {
  const parsed = parseMigrate(argv);
  if ('help' in parsed) {
    print(parsed.help);
    return 0;
  }
  if (!parsed.ok) {
    complain(`${parsed.faults.join('\n')}\n`);
    return 2;
  }
  try {
    const { manifests, faults } = await migrateText(await text(input), parsed.slugs);
    print(manifests);
    for (const fault of faults) complain(`${fault}\n`);
    return faults.length === 0 ? 0 : 1;
  } catch (error) {
    // Its own message is of the YAML's place alone.
    complain(`${error instanceof Error ? error.message : 'The text cannot be read.'}\n`);
    return 1;
  }
}
