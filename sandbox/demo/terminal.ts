import path from 'node:path';

import type { ControlPlane } from '../control-plane/control-plane.ts';
import { ExpectationFailed } from './check.ts';
import type { Narrator } from './narrator.ts';

export const root = path.join(import.meta.dirname, '..', '..');

/** The administrator's terminal: kubectl on the sandbox's API server. */
export interface Terminal {
  /**
   * Shows a command and what it prints.
   *
   * @throws ExpectationFailed when it ends with another code than 0
   */
  readonly kubectl: (...args: readonly string[]) => Promise<string>;
  /** As `kubectl apply -f -`, of the YAML that is shown. @throws ExpectationFailed when it is refused */
  readonly apply: (yaml: string) => Promise<void>;
  /** Shows a command that must fail, and what it prints. @returns its standard error @throws ExpectationFailed */
  readonly refused: (...args: readonly string[]) => Promise<string>;
  /** Runs a command without showing it. @throws ExpectationFailed when it ends with another code than 0 */
  readonly quietly: (...args: readonly string[]) => Promise<string>;
}

/** @param signal ends the command that runs when it is aborted */
export function openTerminal(plane: ControlPlane, narrator: Narrator, signal: AbortSignal): Terminal {
  const succeed = async (args: readonly string[], input?: string): Promise<string> => {
    const result = await plane.kubectlRun(args, { signal, ...(input === undefined ? {} : { input }) });
    if (result.exitCode === 0) return result.stdout;
    const end =
      result.exitCode === null ? 'stopped, it took too long' : `exit code ${String(result.exitCode)}`;
    const found = `${end}: ${result.stderr.trim()}`;
    throw new ExpectationFailed(`${commandLine(args)} succeeds`, 'exit code 0', found);
  };
  return {
    async kubectl(...args) {
      narrator.command(commandLine(args));
      const output = await succeed(args);
      narrator.output(output);
      return output;
    },
    async apply(yaml) {
      const args = ['apply', '-f', '-'];
      narrator.command(commandLine(args), yaml);
      narrator.output(await succeed(args, yaml));
    },
    async refused(...args) {
      narrator.command(commandLine(args));
      const { exitCode, stdout, stderr } = await plane.kubectlRun(args, { signal });
      if (exitCode === 0) throw new ExpectationFailed(`${commandLine(args)} fails`, 'a refusal', stdout);
      narrator.output(stderr);
      return stderr;
    },
    quietly: (...args) => succeed(args),
  };
}

/** A kubectl command as one types it in the repository's folder. */
export function commandLine(args: readonly string[]): string {
  return ['kubectl', ...args.map((arg) => quoted(relative(arg)))].join(' ');
}

function relative(arg: string): string {
  const folder = `${root}${path.sep}`;
  return arg.startsWith(folder) ? arg.slice(folder.length) : arg;
}

function quoted(arg: string): string {
  return /^[\w./:=,@-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", String.raw`'\''`)}'`;
}
