import { z } from 'zod';

/** One line of a stage, in the order of the file. */
export type Step =
  | { readonly type: 'workdir'; readonly path: string }
  | {
      readonly type: 'copy';
      /** The stage that is copied from. Default: the build's context. */
      readonly from: string | undefined;
      readonly sources: readonly string[];
      readonly target: string;
    }
  | { readonly type: 'run'; readonly command: string };

export interface Stage {
  readonly image: string;
  readonly name: string | undefined;
  readonly steps: readonly Step[];
  /** Variables of whatever runs in it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Of the last stage: whom the program runs as, and how it is started. */
  readonly user: string | undefined;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

const FROM = /^(?<image>\S+)(?: AS (?<name>\S+))?$/i;
const COPY = /^(?:--from=(?<from>\S+) )?(?<paths>.+)$/;

/** The exec form, which starts no shell. */
const words = z.array(z.string());

type Draft = { -readonly [Key in keyof Omit<Stage, 'steps'>]: Stage[Key] } & { readonly steps: Step[] };

/** What an instruction adds to its stage. */
const instructions: Readonly<Record<string, (stage: Draft, text: string) => void>> = {
  WORKDIR: ({ steps }, path) => void steps.push({ type: 'workdir', path }),
  COPY: ({ steps }, text) => {
    const { from, paths = '' } = COPY.exec(text)?.groups ?? {};
    const all = paths.split(/\s+/);
    const target = all.at(-1) ?? '';
    steps.push({ type: 'copy', from, sources: all.slice(0, -1), target });
  },
  RUN: ({ steps }, command) => void steps.push({ type: 'run', command }),
  USER: (stage, text) => {
    stage.user = text;
  },
  ENV: (stage, text) => {
    const [name = '', value = ''] = text.split(/=(.*)/s);
    stage.environment = { ...stage.environment, [name]: value };
  },
  ENTRYPOINT: (stage, text) => {
    stage.entrypoint = words.parse(JSON.parse(text));
  },
  CMD: (stage, text) => {
    stage.command = words.parse(JSON.parse(text));
  },
};

/**
 * The stages of a Dockerfile, as far as this project's own goes.
 *
 * @throws Error for an instruction that is not known here, and for a shell form where the exec form belongs
 */
export function parseDockerfile(text: string): readonly Stage[] {
  const lines = text.replaceAll('\\\n', ' ').split('\n');
  const stages: Draft[] = [];
  for (const line of lines.filter((one) => one.trim() !== '' && !one.startsWith('#'))) {
    const [instruction = '', rest = ''] = line.split(/ (.*)/s);
    if (instruction === 'FROM') stages.push(stageOf(rest));
    else apply(stages.at(-1), instruction, rest.trim());
  }
  return stages;
}

function stageOf(text: string): Draft {
  const { image = '', name } = FROM.exec(text)?.groups ?? {};
  return { image, name, steps: [], environment: {}, user: undefined, entrypoint: [], command: [] };
}

function apply(stage: Draft | undefined, instruction: string, text: string): void {
  const known = Object.hasOwn(instructions, instruction) ? instructions[instruction] : undefined;
  if (stage === undefined || known === undefined)
    throw new Error(`The Dockerfile has a line that is not known here: ${instruction} ${text}`);
  known(stage, text);
}
