import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, importSPKI, jwtVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import { startIssuer } from '../../../sandbox/issuer/issuer.ts';
import { ALGORITHMS, createSigningKey } from '../../../sandbox/issuer/signing-key.ts';

describe.for(ALGORITHMS)('an issuer that signs by %s', (algorithm) => {
  test('publishes the key of its tokens where its discovery document says', async () => {
    await using issuer = await startIssuer({ algorithm });
    const response = await fetch(`${issuer.url}/.well-known/openid-configuration`);
    expect(await response.json()).toMatchObject({ issuer: issuer.url, jwks_uri: issuer.jwksUrl });
    const token = await issuer.sign({ sub: 'robot', aud: 'shop' });
    const keys = createRemoteJWKSet(new URL(issuer.jwksUrl));
    const verified = await jwtVerify(token, keys, { issuer: issuer.url, audience: 'shop' });
    expect(verified.payload).toMatchObject({ sub: 'robot' });
    expect(issuer.fetches).toEqual({ discovery: 1, keys: 1 });
  });

  test('gives the same key in PEM', async () => {
    await using issuer = await startIssuer({ algorithm });
    const key = await importSPKI(issuer.key.pem, algorithm);
    await expect(jwtVerify(await issuer.sign({}), key)).resolves.toBeDefined();
  });
});

describe('a token', () => {
  test('has the times of the issuer, and a name of its own', async () => {
    await using issuer = await startIssuer({ now: () => 1_000_000_500 });
    const [one, other] = [await issuer.sign({}, { lifeSeconds: 60 }), await issuer.sign({})];
    expect(decodeJwt(one)).toMatchObject({ iat: 1_000_000, nbf: 1_000_000, exp: 1_000_060 });
    expect(decodeJwt(other)).toMatchObject({ exp: 1_000_600 });
    expect(decodeJwt(one).jti).not.toBe(decodeJwt(other).jti);
  });

  test('says what it is asked to say, and leaves out what is undefined', async () => {
    await using issuer = await startIssuer();
    const claims = decodeJwt(await issuer.sign({ iss: 'somebody', exp: undefined }));
    expect(claims).toMatchObject({ iss: 'somebody' });
    expect(claims).not.toHaveProperty('exp');
  });

  test('names its key, unless it is not to', async () => {
    await using issuer = await startIssuer();
    expect(decodeProtectedHeader(await issuer.sign({})).kid).toBe(issuer.key.id);
    expect(decodeProtectedHeader(await issuer.sign({}, { named: false }))).not.toHaveProperty('kid');
  });

  test('can be signed with a key that the issuer does not have', async () => {
    await using issuer = await startIssuer();
    const token = await issuer.sign({}, { key: await createSigningKey('RS256') });
    const keys = createRemoteJWKSet(new URL(issuer.jwksUrl));
    await expect(jwtVerify(token, keys)).rejects.toThrow('no applicable key');
  });
});

describe('a rotation', () => {
  test.for([
    [false, 2, 'verified'],
    [true, 1, 'no applicable key found in the JSON Web Key Set'],
  ] as const)('withdraws the old key: %s', async ([withdrawOld, published, outcome]) => {
    await using issuer = await startIssuer();
    const [old, oldKey] = [await issuer.sign({}), issuer.key.id];
    const { id } = await issuer.rotate({ withdrawOld });
    expect(id).not.toBe(oldKey);
    expect(await (await fetch(issuer.jwksUrl)).json()).toHaveProperty('keys.length', published);
    const keys = createRemoteJWKSet(new URL(issuer.jwksUrl));
    await expect(jwtVerify(await issuer.sign({}), keys)).resolves.toBeDefined();
    const verified = jwtVerify(old, keys).then(
      () => 'verified',
      (error: Error) => error.message,
    );
    expect(await verified).toBe(outcome);
  });
});

test('stopping twice does nothing, and leaves no port open', async () => {
  const issuer = await startIssuer();
  await issuer.stop();
  await issuer.stop();
  await expect(fetch(issuer.jwksUrl)).rejects.toThrow('fetch failed');
});
