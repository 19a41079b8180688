import { describe, expect, test } from 'vitest';
import { judge, type Key, type SignedRequest, TOLERANCE } from '../../../sandbox/clouds/signature-v4.ts';
import { signedQuestion } from '../../../src/infisical/auth/aws-signature.ts';

/** The example of AWS's own documentation of Signature Version 4. */
const example: SignedRequest = {
  method: 'GET',
  target: '/?Action=ListUsers&Version=2010-05-08',
  headers: {
    host: 'iam.amazonaws.com',
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
    'x-amz-date': '20150830T123600Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  },
  body: '',
};
const key: Key = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};
const signedAt = Date.parse('2015-08-30T12:36:00Z');

interface Change {
  readonly request?: Partial<SignedRequest>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly key?: Partial<Key>;
  readonly now?: number;
  readonly service?: string;
  readonly region?: string;
}

function judged({ request, headers, key: other, now = signedAt, service = 'iam', region }: Change): unknown {
  const asked = { ...example, ...request, headers: { ...example.headers, ...headers } };
  const known = { ...key, ...other };
  const keyOf = (id: string): Key | undefined => (id === known.accessKeyId ? known : undefined);
  const outcome = judge(asked, { keyOf, now, service, region });
  return 'fault' in outcome ? outcome.fault : 'genuine';
}

const { authorization = '' } = example.headers;

describe('the example of AWS', () => {
  const cases: Readonly<Record<string, readonly [change: Change, outcome: string]>> = {
    'is genuine': [{}, 'genuine'],
    'is genuine for its region': [{ region: 'us-east-1' }, 'genuine'],
    'is genuine for some minutes': [{ now: signedAt + TOLERANCE }, 'genuine'],
    'is over afterwards': [{ now: signedAt + TOLERANCE + 1 }, 'RequestExpired'],
    'is not good in advance': [{ now: signedAt - TOLERANCE - 1 }, 'RequestExpired'],
    'is not for another region': [{ region: 'eu-central-1' }, 'SignatureDoesNotMatch'],
    'is not for another service': [{ service: 'sts' }, 'SignatureDoesNotMatch'],
    'asks nothing else': [
      { request: { target: '/?Action=DeleteUser&Version=2010-05-08' } },
      'SignatureDoesNotMatch',
    ],
    'is not sent otherwise': [{ request: { method: 'POST' } }, 'SignatureDoesNotMatch'],
    'has no other body': [{ request: { body: 'x' } }, 'SignatureDoesNotMatch'],
    'is for no other host': [{ headers: { host: 'sts.amazonaws.com' } }, 'SignatureDoesNotMatch'],
    'is not of another time of that day': [
      { headers: { 'x-amz-date': '20150830T123601Z' } },
      'SignatureDoesNotMatch',
    ],
    'is not of another day': [{ headers: { 'x-amz-date': '20150831T123600Z' } }, 'IncompleteSignature'],
    'is by no other secret': [{ key: { secretAccessKey: 'x' } }, 'SignatureDoesNotMatch'],
    'is by nobody who is not known': [{ key: { accessKeyId: 'x' } }, 'InvalidClientTokenId'],
    'is by nobody whose credentials have ended': [{ key: { endsAt: signedAt } }, 'ExpiredToken'],
    'lacks the token of a session': [{ key: { sessionToken: 'x' } }, 'SignatureDoesNotMatch'],
    'has no token of a session too many': [
      { headers: { 'x-amz-security-token': 'x' } },
      'SignatureDoesNotMatch',
    ],
    'must sign its host': [
      { headers: { authorization: authorization.replace(';host', '') } },
      'SignatureDoesNotMatch',
    ],
    'must be by this algorithm': [
      { headers: { authorization: authorization.replace('SHA256', 'SHA1') } },
      'IncompleteSignature',
    ],
  };

  test.for(Object.entries(cases))('%s', ([, [change, outcome]]) => {
    expect(judged(change)).toBe(outcome);
  });

  test('without a signature is of nobody', () => {
    const { authorization: _gone, ...headers } = example.headers;
    const outcome = judge({ ...example, headers }, { keyOf: () => key, now: signedAt, service: 'iam' });
    expect(outcome).toEqual({ fault: 'MissingAuthenticationToken' });
  });
});

describe("the operator's question", () => {
  const seconds = signedAt / 1000;
  const asked = async (sessionToken?: string): Promise<SignedRequest> => {
    const { accessKeyId, secretAccessKey } = key;
    const credentials = {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken !== undefined && { sessionToken }),
    };
    const endpoint = 'https://sts.eu-central-1.amazonaws.com';
    const proof = await signedQuestion({ region: 'eu-central-1', endpoint, credentials, seconds });
    const decoded = (part: string): string => Buffer.from(proof[part] ?? '', 'base64').toString();
    const named = JSON.parse(decoded('iamRequestHeaders')) as Record<string, string>;
    const headers = Object.fromEntries(
      Object.entries(named).map(([name, value]) => [name.toLowerCase(), value]),
    );
    expect(Object.keys(named).toSorted()).toEqual([
      'Authorization',
      'Content-Length',
      'Content-Type',
      'Host',
      'X-Amz-Date',
      ...(sessionToken === undefined ? [] : ['X-Amz-Security-Token']),
    ]);
    return {
      method: proof['iamHttpRequestMethod'] ?? '',
      target: '/',
      headers,
      body: decoded('iamRequestBody'),
    };
  };

  test.for([undefined, 'the-token-of-a-session'])(
    'is signed as AWS wants it: session %s',
    async (sessionToken) => {
      const request = await asked(sessionToken);
      expect(request.body).toBe('Action=GetCallerIdentity&Version=2011-06-15');
      expect(request.headers).toMatchObject({
        host: 'sts.eu-central-1.amazonaws.com',
        'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        'content-length': '43',
        'x-amz-date': '20150830T123600Z',
      });
      const known = { ...key, sessionToken };
      const rules = { keyOf: () => known, now: signedAt, service: 'sts', region: 'eu-central-1' };
      expect(judge(request, rules)).toEqual({ key: known });
      expect(judge({ ...request, body: `${request.body}&x=1` }, rules)).toEqual({
        fault: 'SignatureDoesNotMatch',
      });
    },
  );
});
