import { parseArgs } from 'node:util';

import { migrate, type Migration } from './migrate.ts';

/** What the command line of a migration asks for. */
export type MigrateCommand =
  | { readonly ok: true; readonly slugs: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly faults: readonly string[] }
  | { readonly help: string };

const PROJECT = /^([^=\s]+)=([A-Za-z0-9][A-Za-z0-9_-]*)$/;

/** Reads what stands behind `migrate`. */
export function parseMigrate(argv: readonly string[]): MigrateCommand {
  const { values, tokens } = parseArgs({
    args: [...argv],
    options: { project: { type: 'string', multiple: true }, help: { type: 'boolean' } },
    strict: false,
    tokens: true,
  });
  if (values.help === true) return { help };
  const slugs = new Map<string, string>();
  const faults: string[] = [];
  for (const token of tokens) {
    if (token.kind !== 'option' || token.name !== 'project')
      faults.push(
        `Argument ${String(token.index + 1)} is no flag of leaseholder migrate. --help lists them.`,
      );
    else {
      const [, id, slug] = PROJECT.exec(token.value ?? '') ?? [];
      if (id === undefined || slug === undefined) faults.push('--project must be ID=SLUG.');
      else slugs.set(id, slug);
    }
  }
  return faults.length === 0 ? { ok: true, slugs } : { ok: false, faults };
}

export interface MigrationText {
  /** The manifests as YAML, with the notes as comments. */
  readonly manifests: string;
  /** What could not be converted, a line each. */
  readonly faults: readonly string[];
}

/**
 * Converts a text of YAML documents; those of other kinds are left out.
 *
 * @throws Error where the text is no YAML; its message says where and quotes nothing.
 */
export async function migrateText(text: string, slugs: ReadonlyMap<string, string>): Promise<MigrationText> {
  // Only this command reads and writes YAML.
  const { parseAllDocuments, stringify } = await import('yaml');
  const documents = parseAllDocuments(text);
  const list = Array.isArray(documents) ? documents : [];
  const objects = list.flatMap((document, index) => {
    const [error] = document.errors;
    if (error !== undefined)
      throw new Error(
        `Document ${String(index + 1)} is no YAML, near its line ${String(error.linePos?.[0].line ?? 1)}.`,
      );
    return itemsOf(document.toJS());
  });
  const migrations = migrate(objects, (id) => slugs.get(id));
  return {
    manifests: migrations.map((one) => printed(one, stringify)).join(''),
    faults: migrations.flatMap(({ object, faults }) => faults.map((fault) => `${object}: ${fault}`)),
  };
}

/** The objects of a List, as kubectl prints several; else the object itself. */
function itemsOf(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return 'items' in value && Array.isArray(value.items) ? value.items : [value];
}

function printed({ object, manifests, notes }: Migration, stringify: (value: unknown) => string): string {
  if (manifests.length === 0) return '';
  const comments = [`From InfisicalDynamicSecret ${object}.`, ...notes].map((line) => `# ${line}\n`).join('');
  return manifests
    .map((manifest, index) => `---\n${index === 0 ? comments : ''}${stringify(manifest)}`)
    .join('');
}

const help = [
  'leaseholder migrate: makes DynamicSecretLeases of InfisicalDynamicSecrets.',
  '',
  'Usage: leaseholder migrate [--project ID=SLUG ...] < old.yaml > new.yaml',
  '',
  'Reads YAML, of files or of kubectl get infisicaldynamicsecrets -A -o yaml, and prints a DynamicSecretLease for each,',
  'and an InfisicalConnection where none before it says the same. Comments tell what else is to be done.',
  '',
  '  --project ID=SLUG',
  '      The slug of a project that the objects name by its id. May be given several times.',
  '',
  'Exit code: 0 everything was converted; 1 something was not, and a line for each on standard error says why; 2 wrong flags.',
  '',
].join('\n');
