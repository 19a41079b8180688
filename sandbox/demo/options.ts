import { parseArgs } from 'node:util';

export const usage = `Usage: npm run demo [-- --keep]

Runs leaseholder on this machine against a real Kubernetes API and a real PostgreSQL: declares a dynamic
secret, shows the life of one lease of it from its request to its revocation, checks every step, and
removes everything again.

  --keep   leave all of it up at the end, with a lease alive, and say how to look at it from another
           terminal; Ctrl-C ends it
  --help   print this`;

export type Choice =
  | { readonly kind: 'run'; readonly keep: boolean }
  | { readonly kind: 'help' }
  /** The fault is a sentence. */
  | { readonly kind: 'refused'; readonly fault: string };

/** Reads the command line. A flag that is not known is refused, and so is every argument that is no flag. */
export function parseOptions(args: readonly string[]): Choice {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { keep: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
      allowPositionals: false,
    });
    return values.help ? { kind: 'help' } : { kind: 'run', keep: values.keep };
  } catch (error) {
    return { kind: 'refused', fault: error instanceof Error ? error.message : String(error) };
  }
}
