/** Where the demo's text goes and how it looks. */
export interface Page {
  readonly write: (text: string) => void;
  /** Whether headings are bold: on a terminal. */
  readonly bold: boolean;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

/** A step that has been played. */
export interface StepTime {
  readonly title: string;
  /** Milliseconds. */
  readonly took: number;
}

/** Tells the demo: numbered steps, sentences, commands with their output, results of checks. */
export interface Narrator {
  heading(text: string): void;
  /** Plays one step under its number and tells how long it took. */
  step<T>(title: string, play: () => Promise<T>): Promise<T>;
  /** Each line as it stands, below the step's title. */
  say(...lines: readonly string[]): void;
  /** A command that a person would type; `input` is what it reads. */
  command(line: string, input?: string): void;
  /** What a command or a program printed. */
  output(text: string): void;
  /** A check that held. */
  holds(sentence: string): void;
  /** From now on this text is printed as `********`, wherever it comes up. */
  conceal(secret: string): void;
  /** Everything that is concealed. */
  concealed(): readonly string[];
  /** The steps played so far. */
  steps(): readonly StepTime[];
}

const MASK = '********';
const STEP = '   ';
const OUTPUT = `${STEP}  `;

export function createNarrator({ write, bold, now }: Page): Narrator {
  const secrets = new Set<string>();
  const played: StepTime[] = [];
  let number = 0;

  const print = (indent: string, text: string): void => {
    const masked = [...secrets].reduce((shown, secret) => shown.replaceAll(secret, MASK), text);
    for (const line of masked.trimEnd().split('\n')) write(`${line === '' ? '' : indent}${line}\n`);
  };
  const heading = (text: string): void => {
    write('\n');
    print('', bold ? `\u001B[1m${text}\u001B[0m` : text);
  };

  return {
    heading,
    async step(title, play) {
      number += 1;
      heading(`${String(number)}. ${title}`);
      const started = now();
      const result = await play();
      played.push({ title, took: now() - started });
      print(STEP, `(${seconds(now() - started)})`);
      return result;
    },
    say: (...lines) => print(STEP, lines.join('\n')),
    command(line, input) {
      print(STEP, input === undefined ? `$ ${line}` : `$ ${line} <<'EOF'`);
      if (input === undefined) return;
      print(OUTPUT, input);
      print(OUTPUT, 'EOF');
    },
    output(text) {
      if (text.trim() !== '') print(OUTPUT, text);
    },
    holds: (sentence) => print(STEP, `ok: ${sentence}`),
    conceal: (secret) => void secrets.add(secret),
    concealed: () => [...secrets],
    steps: () => [...played],
  };
}

/** A span of milliseconds as `12.3 s`. */
export function seconds(span: number): string {
  return `${(span / 1000).toFixed(1)} s`;
}

/** An instant, in milliseconds since 1970, as kubectl shows it: `14:33:27` (UTC). */
export function timeOfDay(instant: number): string {
  return new Date(instant).toISOString().slice(11, 19);
}
