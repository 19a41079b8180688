import type { Dispatcher } from 'undici';

/** An answer that is wholly there. */
export interface WholeAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/**
 * Sends a request and takes the whole answer. undici's `request()` makes a stream of each body, at 10 to 30
 * microseconds of processor time a request; nothing but a watch is read piece by piece.
 *
 * @param signal gives the request up; its connection is closed then.
 * @throws whatever kept the answer from arriving, as undici tells it; once the signal is aborted, any error.
 */
export function wholeAnswer(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  signal: AbortSignal,
): Promise<WholeAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<WholeAnswer>();
  const chunks: Buffer[] = [];
  let head: Omit<WholeAnswer, 'text'> = { statusCode: 0, headers: {} };
  let controller: Dispatcher.DispatchController | undefined;

  const giveUp = (): void => {
    const reason = new Error('The request was given up.');
    controller?.abort(reason);
    // One that waits for a connection still is let go when its turn comes.
    reject(reason);
  };
  const over = (): void => signal.removeEventListener('abort', giveUp);
  if (signal.aborted) {
    giveUp();
    return promise;
  }
  signal.addEventListener('abort', giveUp, { once: true });
  dispatcher.dispatch(options, {
    onRequestStart(started) {
      controller = started;
      if (signal.aborted) started.abort(new Error('The request was given up.'));
    },
    onResponseStart(_controller, statusCode, headers) {
      // Anything below is no answer yet.
      if (statusCode >= 200) head = { statusCode, headers };
    },
    onResponseData(_controller, chunk) {
      chunks.push(chunk);
    },
    onResponseEnd() {
      over();
      resolve({ ...head, text: Buffer.concat(chunks).toString('utf8') });
    },
    onResponseError(_controller, error) {
      over();
      reject(error);
    },
  });
  return promise;
}
