/** A mistake that is put into one source file. */
export interface Mutation {
  /** What is wrong then, as a sentence. */
  readonly name: string;
  /** The file, from the root of the repository. */
  readonly file: string;
  /** The text that is replaced, exactly as the file has it. */
  readonly find: string;
  readonly put: string;
  /** Seeds that are known to show it, played before the others. Default: none. */
  readonly first?: readonly number[];
  /** Default: `plain`. */
  readonly world?: WorldKind;
}

/**
 * In which worlds a mistake is looked for: `plain` ones, those in which dynamic secrets are declared, or those in which
 * tenants say what their pods get.
 */
export type WorldKind = 'plain' | 'declared' | 'pods';

export const worldKinds: readonly WorldKind[] = ['plain', 'declared', 'pods'];

/** The source has changed so that a mistake no longer has the one place that it was made for. */
export class StaleMutation extends Error {
  override readonly name = 'StaleMutation';
}

/**
 * Puts a mistake into the text of its file.
 *
 * @throws StaleMutation when the text does not hold what is to be replaced exactly once, or would not change by it.
 */
export function mutate(text: string, { name, file, find, put }: Mutation): string {
  const parts = text.split(find);
  const times = find === '' ? 0 : parts.length - 1;
  if (times !== 1) {
    const found = `${file} has its text ${String(times)} times, not once`;
    throw new StaleMutation(`The mutant "${name}" is stale: ${found}.`);
  }
  if (find === put) throw new StaleMutation(`The mutant "${name}" is stale: it changes nothing in ${file}.`);
  return parts.join(put);
}
