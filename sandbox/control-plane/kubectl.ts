import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { ControlPlaneFiles } from './folder.ts';

export interface KubectlOptions {
  /** Standard input, for `-f -`. */
  readonly input?: string;
  /** Path of a kubeconfig. Default: the admin's. */
  readonly kubeconfig?: string;
  /** Milliseconds after which it is killed. Default 60 s. */
  readonly timeoutMs?: number;
  /** Once aborted it is killed, and the call rejects with an AbortError. */
  readonly signal?: AbortSignal;
}

export interface KubectlResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Null when it was killed. */
  readonly exitCode: number | null;
}

export type Kubectl = (args: readonly string[], options?: KubectlOptions) => Promise<KubectlResult>;

/** Runs kubectl apart from the user's own: HOME and all its caches are in the control plane's folder. */
export function kubectlIn(files: ControlPlaneFiles, file: string): Kubectl {
  return async (args, { input = '', kubeconfig = files.kubeconfig, timeoutMs = 60_000, signal } = {}) => {
    const child = spawn(file, args, {
      cwd: files.home,
      env: { PATH: process.env['PATH'], HOME: files.home, KUBECONFIG: kubeconfig },
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      ...(signal === undefined ? {} : { signal }),
    });
    // A kubectl that has no use for its input closes the pipe.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const [stdout, stderr] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    return { stdout, stderr, exitCode: child.exitCode };
  };
}
