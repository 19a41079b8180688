import type { Fault, FaultCode } from '../errors.ts';
import { failing, type Check, type Finding } from './finding.ts';

/** The way to a server, step by step. */
const way = ['host', 'network', 'tls', 'api'] as const;

/** The way to a session. */
const entry = ['credentials', 'login'] as const;

/** At which step a fault of the way or of the login shows. */
const stages: Partial<Record<FaultCode, Check>> = {
  ConnectionInvalid: 'connection',
  HostNotAllowed: 'host',
  AddressNotAllowed: 'host',
  ServerUnreachable: 'network',
  ProxyRefused: 'network',
  TLSMaterialInvalid: 'credentials',
  CertificateUntrusted: 'tls',
  ClientCertificateRefused: 'tls',
  CredentialNotFound: 'credentials',
  CredentialForbidden: 'credentials',
  ServiceAccountNotFound: 'credentials',
  TokenRequestForbidden: 'credentials',
  TokenRequestRefused: 'credentials',
  CloudIdentityNotAllowed: 'credentials',
  CloudIdentityUnavailable: 'credentials',
  KubernetesUnavailable: 'credentials',
  LoginRefused: 'login',
  TokenRefused: 'login',
};

const passed = {
  host: 'The operator may connect to it.',
  network: 'It can be reached.',
  tls: 'Its certificate is trusted.',
  api: 'It answers as an Infisical API does.',
  credentials: 'What the login is made with can be read.',
  login: 'The server accepts the login.',
} as const satisfies Partial<Record<Check, string>>;

/** What is found on the way to a server. @param raised why it ended; undefined: it did not. */
export function wayFindings(host: string, raised?: Fault): readonly Finding[] {
  const found = along(way, host, { raised, otherwise: 'api' });
  const plain = !host.startsWith('https:');
  return found.map((one) => (one.check === 'tls' && one.result === 'ok' && plain ? unencrypted(host) : one));
}

/** What is found at the login. @param raised why there is no session; undefined: there is. */
export function entryFindings(host: string, raised?: Fault): readonly Finding[] {
  return along(entry, host, { raised, otherwise: 'login' });
}

/** What comes of the login where the server is not reached. */
export function entrySkipped(host: string): readonly Finding[] {
  return entry.map((check) => skipped(check, host));
}

function unencrypted(about: string): Finding {
  const message =
    'The way to the server is not encrypted: whoever stands in between can read every credential. Use https.';
  return { check: 'tls', about, result: 'warns', message };
}

/** Steps before the one that fails went well, those after it were not tried; of one that is beside them nobody knows. */
function along(
  steps: readonly (keyof typeof passed)[],
  about: string,
  { raised, otherwise }: { readonly raised: Fault | undefined; readonly otherwise: Check },
): readonly Finding[] {
  const well = (check: keyof typeof passed): Finding => ({
    check,
    about,
    result: 'ok',
    message: passed[check],
  });
  if (raised === undefined) return steps.map(well);
  const stage = stages[raised.code] ?? otherwise;
  const at = steps.findIndex((check) => check === stage);
  if (at < 0) return [failing(stage, about, raised), ...steps.map((check) => skipped(check, about))];
  return steps.map((check, index) => {
    if (index < at) return well(check);
    return index === at ? failing(check, about, raised) : skipped(check, about);
  });
}

function skipped(check: Check, about: string): Finding {
  return { check, about, result: 'skipped', message: 'Not tried: something before it fails.' };
}
