/** Certificates for tests of TLS, made without OpenSSL: an authority and a server certificate for loopback. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { bitString, integer, octetString, oid, sequence, set, tagged, time, TRUE, utf8 } from './der.ts';

export interface CertificateSet {
  /** The authority's certificate, PEM: what a client has to trust. */
  readonly ca: string;
  /** The server's certificate, for `localhost`, `127.0.0.1` and `::1` where no other names are asked for; PEM. */
  readonly cert: string;
  /** The server's private key, PEM. */
  readonly key: string;
}

export interface CertificateOptions {
  /** Milliseconds since 1970. @default a day ago */
  readonly notBefore?: number;
  /** @default in a year */
  readonly notAfter?: number;
  /** The host names of the server's certificate, in place of those of loopback. */
  readonly names?: readonly string[];
}

interface Subject {
  readonly name: string;
  readonly publicKey: KeyObject;
}

const DAY = 86_400_000;
const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const COMMON_NAME = oid('2.5.4.3');
const EXTENSION = {
  subjectKey: '2.5.29.14',
  keyUsage: '2.5.29.15',
  alternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKey: '2.5.29.35',
};
/** The bits of keyUsage: certificate and list signing for the authority, digital signature for the server. */
const SIGNS_CERTIFICATES = Buffer.from([0x03, 0x02, 0x01, 0x06]);
const SIGNS_HANDSHAKES = Buffer.from([0x03, 0x02, 0x07, 0x80]);

/** A fresh authority with one server certificate, both with keys on the curve P-256. */
export function createCertificates(options: CertificateOptions = {}): CertificateSet {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = 'leaseholder sandbox authority';
  const issue = (subject: Subject, extensions: readonly Buffer[]): string =>
    certificate(subject, { issuer: name, key: authority.privateKey, extensions, ...options });
  return {
    ca: issue({ name, publicKey: authority.publicKey }, [
      critical(EXTENSION.basicConstraints, sequence(TRUE)),
      critical(EXTENSION.keyUsage, SIGNS_CERTIFICATES),
      informative(EXTENSION.subjectKey, octetString(keyIdentifier(authority.publicKey))),
    ]),
    cert: issue({ name: 'localhost', publicKey: server.publicKey }, [
      critical(EXTENSION.keyUsage, SIGNS_HANDSHAKES),
      informative(
        EXTENSION.alternativeName,
        options.names === undefined ? loopbackNames() : hostNames(options.names),
      ),
      informative(EXTENSION.authorityKey, sequence(primitive(0, keyIdentifier(authority.publicKey)))),
    ]),
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

interface Issue extends CertificateOptions {
  readonly issuer: string;
  readonly key: KeyObject;
  readonly extensions: readonly Buffer[];
}

/** RFC 5280, section 4.1: version 3, signed with ECDSA. */
function certificate({ name, publicKey }: Subject, issue: Issue): string {
  const { notBefore = Date.now() - DAY, notAfter = Date.now() + 365 * DAY } = issue;
  const content = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    ECDSA_WITH_SHA256,
    distinguishedName(issue.issuer),
    sequence(time(notBefore), time(notAfter)),
    distinguishedName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...issue.extensions)),
  );
  const signed = sequence(content, ECDSA_WITH_SHA256, bitString(sign('sha256', content, issue.key)));
  const lines = signed.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function distinguishedName(commonName: string): Buffer {
  return sequence(set(sequence(COMMON_NAME, utf8(commonName))));
}

function critical(id: string, value: Buffer): Buffer {
  return sequence(oid(id), TRUE, octetString(value));
}

function informative(id: string, value: Buffer): Buffer {
  return sequence(oid(id), octetString(value));
}

/** Any short digest of the key will do; it only has to be the same in both certificates. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  const bytes = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(bytes).digest().subarray(0, 20);
}

/** GeneralNames: one DNS name (tag 2) and two addresses (tag 7). */
function loopbackNames(): Buffer {
  const addresses = [Buffer.from([127, 0, 0, 1]), Buffer.concat([Buffer.alloc(15), Buffer.from([1])])];
  return sequence(primitive(2, Buffer.from('localhost')), ...addresses.map((bytes) => primitive(7, bytes)));
}

function hostNames(names: readonly string[]): Buffer {
  return sequence(...names.map((name) => primitive(2, Buffer.from(name))));
}

function primitive(tag: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x80 | tag, bytes.length]), bytes]);
}
