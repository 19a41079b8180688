import { type Fault, FaultError } from '../errors.ts';

/** Whether the server may have done what it was asked: `refused` is "surely not". */
export type Fate = 'refused' | 'unknown';

/** What became of a request that did not succeed. */
export interface Verdict {
  readonly fault: Fault;
  readonly fate: Fate;
  /** The HTTP status, where there was an answer. */
  readonly status?: number;
  /**
   * What the server says that it does not know. A hint to look again, never a proof: it rests on the wording of the
   * server, and a server that lost its project says the same.
   */
  readonly notFound?: 'lease' | 'target';
  /** The access token is no longer good; another one may be. */
  readonly deadToken?: true;
}

/** The only error that the client throws. Carries nothing that the server said but its status. */
export class RequestError extends FaultError {
  readonly fate: Fate;
  readonly status: number | undefined;
  readonly notFound: 'lease' | 'target' | undefined;
  /** Whether the request for a lease carried its tag: without it, a lease of unknown fate cannot be found again. */
  readonly tagged: boolean;
  readonly #verdict: Verdict;

  constructor(verdict: Verdict, { tagged = false }: { tagged?: boolean } = {}) {
    super(verdict.fault);
    this.#verdict = verdict;
    this.fate = verdict.fate;
    this.status = verdict.status;
    this.notFound = verdict.notFound;
    this.tagged = tagged;
  }

  /** The same error, of a request for a lease that carried its tag or did not. */
  ofTagged(tagged: boolean): RequestError {
    return new RequestError(this.#verdict, { tagged });
  }
}
