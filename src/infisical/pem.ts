import { createPrivateKey, X509Certificate } from 'node:crypto';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Whether a text holds certificates in PEM, all of which can be read. TLS passes over one that it cannot read, and then
 * trusts nobody without saying why.
 */
export function isReadable(text: string): boolean {
  try {
    const certificates = (text.match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));
    return certificates.length > 0;
  } catch {
    // OpenSSL's words help nobody.
    return false;
  }
}

/** What is wrong with a certificate and its key; undefined where nothing is. The first certificate is the client's own. */
export function pairProblem(certificate: string, key: string): 'certificate' | 'key' | 'pair' | undefined {
  if (!isReadable(certificate)) return 'certificate';
  try {
    const own = new X509Certificate(certificate.match(CERTIFICATE)?.[0] ?? '');
    return own.checkPrivateKey(createPrivateKey(key)) ? undefined : 'pair';
  } catch {
    return 'key';
  }
}
