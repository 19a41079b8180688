import type { ConnectionSpec } from '../../api/infisical-connection.ts';
import { fault, FaultError } from '../../errors.ts';
import type { TLSMaterial } from '../../infisical/dial.ts';
import { isReadable, pairProblem } from '../../infisical/pem.ts';
import type { TLSSource } from '../../infisical/way.ts';
import { readPlace, type Place, type PlaceReader } from './place.ts';

export interface TrustOptions {
  readonly cluster: PlaceReader;
  /** Where the references of the connection lead. */
  readonly namespace: string;
  readonly spec: ConnectionSpec;
  /** Whether `insecureSkipVerify` is heeded. */
  readonly allowInsecure: boolean;
  /** After so many milliseconds in use, what was read is read anew. */
  readonly maxAge: number;
}

/**
 * What TLS towards a connection's server is made with. What the spec names is read before it is first needed, and anew
 * while it is used; a spec without references costs no read.
 *
 * @throws FaultError ConnectionInvalid when the server is not to be verified and the operator does not allow that.
 */
export function trustOf(options: TrustOptions): TLSSource {
  const { spec, allowInsecure, maxAge } = options;
  const { caBundle, clientCertificate, tlsServerName: serverName, insecureSkipVerify: insecure } = spec;
  if (insecure === true && !allowInsecure) {
    const rule =
      'is true, which the operator does not heed: it runs without --allow-insecure-tls=on. Name the CA of the server in spec.caBundle instead, or have an administrator set that flag';
    throw new FaultError(fault('ConnectionInvalid', { field: 'spec.insecureSkipVerify', rule }));
  }
  const fixed = { ca: caBundle?.inline, serverName, insecure };
  const place = placeOf(caBundle);
  if (place === undefined && clientCertificate === undefined) return fixed;
  return {
    maxAge,
    async read(): Promise<TLSMaterial> {
      const [ca, client] = await Promise.all([
        place === undefined ? fixed.ca : readBundle(options, place),
        clientCertificate === undefined ? undefined : readPair(options, clientCertificate),
      ]);
      return { ...fixed, ca, client };
    },
  };
}

function placeOf(bundle: ConnectionSpec['caBundle']): Place | undefined {
  const field = 'spec.caBundle';
  if (bundle?.configMapKeyRef !== undefined) {
    return { field: `${field}.configMapKeyRef`, kind: 'ConfigMap', ref: bundle.configMapKeyRef };
  }
  if (bundle?.secretKeyRef !== undefined) {
    return { field: `${field}.secretKeyRef`, kind: 'Secret', ref: bundle.secretKeyRef };
  }
  return undefined;
}

async function readBundle({ cluster, namespace }: TrustOptions, place: Place): Promise<string> {
  const text = await readPlace(cluster, namespace, place);
  if (!isReadable(text)) throw invalid(place, 'holds a certificate that cannot be read, or none');
  return text;
}

const problems = {
  certificate: 'holds a certificate that cannot be read, or none',
  key: 'holds no private key that can be read: PEM, without a password',
  pair: 'is not the private key of the certificate that spec.clientCertificate.certificate names',
} as const;

async function readPair(
  { cluster, namespace }: TrustOptions,
  { certificate: certified, privateKey }: NonNullable<ConnectionSpec['clientCertificate']>,
): Promise<NonNullable<TLSMaterial['client']>> {
  const field = 'spec.clientCertificate';
  const places = {
    certificate: { field: `${field}.certificate`, kind: 'Secret', ref: certified.secretKeyRef },
    key: { field: `${field}.privateKey`, kind: 'Secret', ref: privateKey.secretKeyRef },
  } as const;
  const [certificate, key] = await Promise.all([
    readPlace(cluster, namespace, places.certificate),
    readPlace(cluster, namespace, places.key),
  ]);
  const problem = pairProblem(certificate, key);
  if (problem === undefined) return { certificate, key };
  throw invalid(problem === 'certificate' ? places.certificate : places.key, problems[problem]);
}

function invalid({ field, kind, ref }: Place, rule: string): FaultError {
  return new FaultError(fault('TLSMaterialInvalid', { field, kind, ...ref, rule }));
}
