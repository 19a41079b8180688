import type { z } from 'zod';

import { fault, FaultError } from '../errors.ts';
import type { Outcome } from './exchange.ts';
import { type AskedWithToken, misfit, verdictOn } from './faults.ts';
import { RequestError } from './request-error.ts';
import type { Session } from './session.ts';
import type { Transport, TransportRequest } from './transport.ts';

/** A request that needs a token: what it is, what is sent, and how a success is read. */
export interface AuthorisedRequest<Answer> {
  readonly asked: AskedWithToken;
  readonly request: Omit<TransportRequest, 'token' | 'onSending'>;
  readonly answer: z.ZodType<Answer>;
  /** Told the token of each try, right before it is sent; what it throws ends the call. */
  readonly onToken?: (token: string) => void;
}

/**
 * Makes requests with the session's token. When the server refuses that token, the same request is made once more
 * with a fresh one: also a create, since a token is looked at before any work.
 *
 * @throws RequestError and nothing else.
 */
export type AuthorisedCall = <Answer>(wanted: AuthorisedRequest<Answer>) => Promise<Answer>;

export function authorisedCall(transport: Transport, session: Session): AuthorisedCall {
  async function attempt<Answer>(wanted: AuthorisedRequest<Answer>): Promise<Attempt<Answer>> {
    const token = await tokenOf(session);
    const onSending = (): void => wanted.onToken?.(token);
    const outcome = await transport.request({ ...wanted.request, token, onSending });
    const success = successOf(outcome);
    if (success !== undefined) {
      session.accepted(token);
      session.worked(token);
      return { kind: 'done', answer: read(wanted, success) };
    }
    const verdict = verdictOn(wanted.asked, outcome);
    if (verdict.deadToken === true) {
      session.refused(token, verdict.status ?? 0);
      return { kind: 'deadToken', error: new RequestError(verdict) };
    }
    if (outcome.kind === 'answered' && provesToken(outcome.status)) session.accepted(token);
    if (verdict.status !== undefined && verdict.status !== 429) session.failing(token);
    throw new RequestError(verdict);
  }

  return async (wanted) => {
    const first = await attempt(wanted);
    if (first.kind === 'done') return first.answer;
    const second = await attempt(wanted);
    if (second.kind === 'done') return second.answer;
    throw second.error;
  };
}

/** Only a refused token comes back as a value: it alone is worth another try. */
type Attempt<Answer> =
  | { readonly kind: 'done'; readonly answer: Answer }
  | { readonly kind: 'deadToken'; readonly error: RequestError };

async function tokenOf(session: Session): Promise<string> {
  try {
    return await session.token();
  } catch (error) {
    const raised = error instanceof FaultError ? error.fault : fault('Internal', undefined);
    throw new RequestError({ fault: raised, fate: 'refused' });
  }
}

type Success = Extract<Outcome, { kind: 'answered' }>;

function successOf(outcome: Outcome): Success | undefined {
  return outcome.kind === 'answered' && outcome.status >= 200 && outcome.status < 300 ? outcome : undefined;
}

function read<Answer>({ asked, answer }: AuthorisedRequest<Answer>, { status, body }: Success): Answer {
  const parsed = answer.safeParse(body);
  if (!parsed.success) throw new RequestError(misfit(asked, status));
  return parsed.data;
}

/** Refusals that come after the token was looked at. A limit or a failure can come before. */
function provesToken(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}
