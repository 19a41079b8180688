import { parseArgs } from 'node:util';

export interface PlotOptions {
  /** Files of saved runs; at least one. */
  readonly files: readonly string[];
  /** The folder of the figures. Default: none are drawn. */
  readonly out: string | undefined;
  /** Whether the table of medians is printed. Default: no. */
  readonly table: boolean;
}

/** @throws TypeError for an unknown option, RangeError where nothing is to be done. */
export function parsePlotOptions(args: readonly string[]): PlotOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { out: { type: 'string' }, table: { type: 'boolean', default: false } },
  });
  if (positionals.length === 0) throw new RangeError('Which files of saved runs? Name at least one.');
  if (values.out === undefined && !values.table)
    throw new RangeError('Nothing to do: say --out FOLDER for figures, or --table.');
  return { files: positionals, out: values.out, table: values.table };
}
