import type { AllowedEnvironment } from './cloud-environment.ts';
import { fault, FaultError } from '../../errors.ts';
import type { DialRule } from '../../network/allowed-hosts.ts';
import type { Proxies } from '../../network/proxies.ts';
import { causeOf } from '../failure.ts';
import type { LoginContext, LoginKind, LoginMethod } from './access-token.ts';
import { logIn } from './log-in.ts';

/** What a proof is made with. */
export interface ProofContext {
  /** Seconds since 1970: by the server's time where it is known, else by this machine's clock. */
  readonly seconds: number;
  /** Aborted when the login has taken too long. */
  readonly signal: AbortSignal;
  /** Where a cloud's public endpoints may be asked: under the rule of the connection, by the proxies. */
  readonly network: CloudNetwork;
  readonly environment: AllowedEnvironment;
}

/** How the endpoints of clouds are reached. */
export interface CloudNetwork {
  readonly rule: DialRule;
  readonly proxies: Proxies;
}

export interface CloudOptions {
  readonly method: Extract<LoginKind, 'aws' | 'azure' | 'gcp'>;
  readonly identityId: string;
  readonly organizationSlug?: string | undefined;
  readonly network: CloudNetwork;
  readonly environment: AllowedEnvironment;
  /**
   * Makes a fresh proof: fields of the login's body. Nothing of the one before is used, so that a new token file, key or
   * role counts from the next login on.
   *
   * @throws CloudError, or FaultError; anything else is told as trouble on the way to the cloud.
   */
  readonly prove: (context: ProofContext) => Promise<Readonly<Record<string, string>>>;
}

/** Why a cloud gave no proof, in closed words: what it said itself could hold a credential. */
export class CloudError extends Error {
  override readonly name = 'CloudError';
  readonly words: string;

  constructor(words: string, options?: ErrorOptions) {
    super(words, options);
    this.words = words;
  }
}

/** AWS, Azure and GCP Auth: what a cloud says of an identity, for a token of the server. */
export function cloudLogin(options: CloudOptions): LoginMethod {
  const { method, identityId, organizationSlug } = options;
  return async (context) => {
    const proof = await proofOf(options, context);
    return logIn(context, { method, body: { identityId, ...proof, organizationSlug } });
  };
}

async function proofOf(
  { method, network, environment, prove }: CloudOptions,
  { clock, timing, now }: LoginContext,
): Promise<Readonly<Record<string, string>>> {
  const late = new AbortController();
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = clock.after(timing.apiRequestDeadline, () => {
    late.abort();
    reject(new CloudError('no answer in time'));
  });
  const seconds = Math.floor((now() ?? clock.wall()) / 1000);
  try {
    return await Promise.race([prove({ seconds, signal: late.signal, network, environment }), tooLate]);
  } catch (error) {
    throw faultOf(method, error);
  } finally {
    timer.cancel();
  }
}

function faultOf(method: CloudOptions['method'], error: unknown): FaultError {
  if (error instanceof FaultError) return error;
  const cause = error instanceof CloudError ? error.words : wordsOf(error);
  return new FaultError(fault('CloudIdentityUnavailable', { method, cause }), { cause: error });
}

/** What libraries throw tells by a code, or not at all. */
function wordsOf(error: unknown): string {
  const cause = causeOf(error);
  return cause.kind === 'fault' ? 'network error' : cause.words;
}
