const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs `stop` once when this process is asked to end (SIGINT, SIGTERM, SIGHUP), then ends it by that signal. A second
 * signal ends it at once; bound processes and their folder go even then.
 *
 * @returns a function that takes the handlers away again
 */
export function stopOnSignal(stop: () => Promise<void>): () => void {
  const forget = (): void => {
    for (const signal of signals) process.removeListener(signal, onSignal);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    forget();
    stop()
      .catch((error: unknown) => console.error(error))
      .finally(() => process.kill(process.pid, signal));
  };
  for (const signal of signals) process.on(signal, onSignal);
  return forget;
}
