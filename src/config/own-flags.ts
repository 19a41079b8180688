/** What a command line says by flags of a command's own, and the rest of it. */
export interface OwnFlags {
  /** The values of each, in order; none where it is not given. An absent value counts as an empty one. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
  readonly rest: readonly string[];
}

/** Takes the flags of a command out of a command line, written `--name VALUE` or `--name=VALUE`. */
export function takeFlags(argv: readonly string[], names: readonly string[]): OwnFlags {
  const texts = new Map(names.map((name): [string, string[]] => [name, []]));
  const rest: string[] = [];
  for (let at = 0; at < argv.length; at += 1) {
    const argument = argv[at] ?? '';
    const [name = '', ...inline] = argument.split('=');
    const known = texts.get(name);
    if (known === undefined) rest.push(argument);
    else if (inline.length > 0) known.push(inline.join('='));
    else {
      at += 1;
      known.push(argv[at] ?? '');
    }
  }
  return { texts, rest };
}
