import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Identity } from '../identities.ts';
import { checkAws } from '../logins/aws.ts';
import { checkAzure, checkGcp, ShownProofs } from '../logins/cloud-token.ts';
import { notConfigured } from '../logins/denial.ts';
import { checkJwt } from '../logins/jwt.ts';
import { checkKubernetes } from '../logins/kubernetes.ts';
import { checkLdap } from '../logins/ldap.ts';
import { checkOidc, type Judging } from '../logins/oidc.ts';
import type { IdentityLoginMethod, LoginMethod, TokenLoginMethod } from '../logins/settings.ts';
import { UniversalLogins, wrongCredentials } from '../logins/universal.ts';
import { GENERIC_MESSAGE, Refusal } from '../refusal.ts';
import type { Route } from '../route.ts';
import { parsed } from '../validation.ts';
import { loginView } from '../views.ts';
import type { World } from '../world.ts';

/** Checks a token against what is set for the identity. @returns undefined where nothing is set for this method */
type Check = (identity: Identity, jwt: string, judging: Judging) => Promise<void> | undefined;

/** Ways in that servers of 2024 do not have. */
const NEWER: ReadonlySet<string> = new Set(['login-jwt', 'login-ldap']);

/** Every way in. */
export function loginRoutes(world: World): readonly Route[] {
  const shown = new ShownProofs();
  const routes = [
    universalRoute(world),
    tokenRoute(
      world,
      'kubernetes',
      ({ kubernetes }, ...given) => kubernetes && checkKubernetes(kubernetes, ...given),
    ),
    tokenRoute(world, 'oidc', ({ oidc }, ...given) => oidc && checkOidc(oidc, ...given)),
    tokenRoute(world, 'jwt', ({ jwt: settings }, ...given) => settings && checkJwt(settings, ...given)),
    awsRoute(world, shown),
    tokenRoute(
      world,
      'azure',
      ({ azure }, jwt, judging) => azure && once(shown, jwt, checkAzure(azure, jwt, judging)),
    ),
    tokenRoute(
      world,
      'gcp',
      ({ id: identityId, gcp }, jwt, judging) =>
        gcp && once(shown, jwt, checkGcp(gcp, jwt, { ...judging, identityId })),
    ),
    ldapRoute(world),
  ];
  return routes.filter(({ name }) => world.profile === 'current' || !NEWER.has(name));
}

function universalRoute(world: World): Route {
  const logins = new UniversalLogins(world);
  return {
    name: 'login',
    method: 'POST',
    url: '/api/v1/auth/universal-auth/login',
    rate: 'write',
    access: 'open',
    handle: (call) => {
      const { clientId, clientSecret, organizationSlug } = parsed(world.requests.login, call.body);
      const identity = logins.check(clientId, clientSecret);
      return admit(world, identity, { method: 'universal', organizationSlug, jwt: undefined });
    },
  };
}

function tokenRoute(world: World, method: TokenLoginMethod, check: Check): Route {
  return identityRoute(world, method, async (body) => {
    const { jwt, ...named } = parsed(world.requests.tokenLogin[method], body);
    return { ...named, jwt, check: (identity, judging) => check(identity, jwt, judging) };
  });
}

async function once(shown: ShownProofs, proof: string, checked: Promise<void>): Promise<void> {
  await checked;
  shown.take(proof);
}

function awsRoute(world: World, shown: ShownProofs): Route {
  return identityRoute(world, 'aws', async (body) => {
    const { identityId, organizationSlug, ...proof } = parsed(world.requests.awsLogin, body);
    const headers = proof.iamRequestHeaders;
    const check: Claim['check'] = ({ aws }, judging) =>
      aws && once(shown, headers, checkAws(aws, proof, judging));
    return { identityId, organizationSlug, jwt: headers, check };
  });
}

function ldapRoute(world: World): Route {
  return identityRoute(world, 'ldap', async (body) => {
    const { username, password, ...named } = parsed(world.requests.ldapLogin, body);
    const check: Claim['check'] = ({ ldap }) => ldap && checkLdap(ldap, { username, password });
    return { ...named, jwt: undefined, check };
  });
}

/** A login by somebody who says which identity it is. */
interface Claim extends Omit<Login, 'method'> {
  readonly identityId: string;
  /** Checks what is shown. @returns undefined where the identity has not this way to log in. */
  readonly check: (identity: Identity, judging: Judging) => Promise<void> | undefined;
}

function identityRoute(
  world: World,
  method: IdentityLoginMethod,
  read: (body: unknown) => Promise<Claim>,
): Route {
  const { profile, clock } = world;
  return {
    name: `login-${method}`,
    method: 'POST',
    url: `/api/v1/auth/${method}-auth/login`,
    rate: 'write',
    access: 'open',
    handle: async (call) => {
      const { identityId, check, ...shown } = await read(call.body);
      // An id that is no UUID fails inside the server, as everywhere.
      if (!z.uuid().safeParse(identityId).success)
        throw new Refusal('database', GENERIC_MESSAGE, { error: 'FindOne' });
      const identity = world.identities.get(identityId);
      const checked = identity && check(identity, { profile, now: clock.now() });
      if (identity === undefined || checked === undefined) throw notConfigured(method, profile);
      await checked;
      return admit(world, identity, { ...shown, method });
    },
  };
}

interface Login {
  readonly method: LoginMethod;
  readonly organizationSlug?: string | undefined;
  /** What proved the identity, a token or a signature; only its digest is kept. */
  readonly jwt: string | undefined;
}

/** The last check, the note in the ledger, and the token. */
function admit(
  { profile, ledger, tokens }: World,
  identity: Identity,
  { method, organizationSlug, jwt }: Login,
): Record<string, unknown> {
  // A server of 2024 knows no sub-organisations.
  if (profile === 'current') meetOrganization(identity.organizationSlug, organizationSlug);
  const proof = jwt === undefined ? null : createHash('sha256').update(jwt).digest('hex').slice(0, 12);
  ledger.record({ event: 'login', by: identity.id, method, proof });
  return loginView(tokens.issue(identity).accessToken, identity);
}

/** An identity that belongs to no sub-organisation may name any: where its token then holds, the sandbox has no say. */
function meetOrganization(seeded: string | undefined, named: string | undefined): void {
  if (seeded === undefined || seeded === named) return;
  if (named === undefined) throw wrongCredentials();
  throw new Refusal('unauthorized', `Identity not authorized to access sub organization ${named}`);
}
