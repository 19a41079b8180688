import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** A request as it came. Header names in lower case. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query, as they were asked for. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Whose key it is, by AWS's records. */
export interface Key {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string | undefined;
  /** Milliseconds since 1970. @default it has no end */
  readonly endsAt?: number | undefined;
}

/** What AWS says of a request that it does not take. */
export type SignatureFault =
  | 'MissingAuthenticationToken'
  | 'IncompleteSignature'
  | 'InvalidClientTokenId'
  | 'ExpiredToken'
  | 'RequestExpired'
  | 'SignatureDoesNotMatch';

export interface Judgement {
  readonly keyOf: (accessKeyId: string) => Key | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly service: string;
  /** @default any */
  readonly region?: string | undefined;
}

/** How far the time of a request may be off, in milliseconds. */
export const TOLERANCE = 5 * 60_000;

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;
const INSTANT = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/** What an Authorization header says. */
interface Said {
  readonly id: string;
  readonly scope: readonly [day: string, region: string, service: string, end: string];
  readonly names: readonly string[];
  readonly signature: string;
}

function said(header: string): Said | undefined {
  const [whole, id = '', day = '', region = '', service = '', names = '', shown = ''] =
    AUTHORIZATION.exec(header) ?? [];
  if (whole === undefined) return undefined;
  return { id, scope: [day, region, service, 'aws4_request'], names: names.split(';'), signature: shown };
}

/**
 * Computes the signature of a request anew, from its own words and the secret key of whom it names: Signature Version 4 as
 * AWS describes it, written from that description and not with AWS's library, which signs for the operator.
 *
 * @returns the access key that signed it, or what is wrong
 */
export function judge(
  request: SignedRequest,
  judgement: Judgement,
): { readonly key: Key } | { readonly fault: SignatureFault } {
  const { authorization, 'x-amz-date': date = '' } = request.headers;
  if (authorization === undefined) return { fault: 'MissingAuthenticationToken' };
  const words = said(authorization);
  if (words === undefined || !date.startsWith(words.scope[0])) return { fault: 'IncompleteSignature' };
  const key = judgement.keyOf(words.id);
  if (key === undefined) return { fault: 'InvalidClientTokenId' };
  const late = lateness(key, date, judgement.now);
  if (late !== undefined) return { fault: late };
  const fits = isInPlace(words, judgement) && isSignedBy(key, words, request);
  return fits ? { key } : { fault: 'SignatureDoesNotMatch' };
}

function isInPlace({ scope: [, region, service], names }: Said, judgement: Judgement): boolean {
  const whole = ['host', 'x-amz-date'].every((name) => names.includes(name));
  return whole && service === judgement.service && region === (judgement.region ?? region);
}

function isSignedBy(key: Key, { scope, names, signature: shown }: Said, request: SignedRequest): boolean {
  const { 'x-amz-date': date = '', 'x-amz-security-token': session } = request.headers;
  const computed = signature(key.secretAccessKey, scope, date, canonical(request, names));
  return session === key.sessionToken && timingSafeEqual(Buffer.from(computed), Buffer.from(shown));
}

function lateness({ endsAt = Infinity }: Key, date: string, now: number): SignatureFault | undefined {
  if (endsAt <= now) return 'ExpiredToken';
  const at = Date.parse(date.replace(INSTANT, '$1-$2-$3T$4:$5:$6Z'));
  return Math.abs(at - now) <= TOLERANCE ? undefined : 'RequestExpired';
}

/** The request in the form that is signed. */
function canonical({ method, target, headers, body }: SignedRequest, names: readonly string[]): string {
  const { pathname, searchParams } = new URL(target, 'http://x');
  const query = [...searchParams]
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .toSorted()
    .join('&');
  const lines = names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`);
  return [method, pathname, query, lines.join(''), names.join(';'), digest(body)].join('\n');
}

function signature(
  secret: string,
  scope: readonly [day: string, region: string, service: string, end: string],
  date: string,
  request: string,
): string {
  const text = ['AWS4-HMAC-SHA256', date, scope.join('/'), digest(request)].join('\n');
  const derived = scope.reduce<Buffer>((key, part) => hmac(key, part), Buffer.from(`AWS4${secret}`));
  return hmac(derived, text).toString('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
