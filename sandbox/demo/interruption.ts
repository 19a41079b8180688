const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The exit code of a program that was ended by Ctrl-C. */
export const interruptedCode = 130;

/**
 * Aborted by the first Ctrl-C, SIGTERM or SIGHUP. A second one ends the process at once; what it started ends with it
 * even then.
 */
export function interruption(): AbortSignal {
  const asked = new AbortController();
  const onSignal = (): void => {
    if (asked.signal.aborted) process.exit(interruptedCode);
    asked.abort();
  };
  for (const signal of signals) process.on(signal, onSignal);
  return asked.signal;
}
