import { X509Certificate } from 'node:crypto';
import { get } from 'node:https';
import { expect, test } from 'vitest';
import { createCertificates } from '../../../sandbox/lease-api/certificate.ts';
import { startLeaseApi } from '../../../sandbox/lease-api/lease-api.ts';

async function status(url: string, ca?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, ca === undefined ? {} : { ca }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).on('error', reject);
  });
}

test('the server certificate is issued by the authority, for loopback', () => {
  const { ca, cert } = createCertificates();
  const [authority, server] = [new X509Certificate(ca), new X509Certificate(cert)];
  expect(authority.ca).toBe(true);
  expect(server.ca).toBe(false);
  expect(server.checkIssued(authority)).toBe(true);
  expect(server.verify(authority.publicKey)).toBe(true);
  expect(server.checkHost('localhost')).toBe('localhost');
  expect(server.checkIP('127.0.0.1')).toBe('127.0.0.1');
});

test('a client reaches the server over TLS if it trusts the authority, and only then', async () => {
  const certificates = createCertificates();
  await using api = await startLeaseApi({ tls: certificates });
  expect(api.url).toMatch(/^https:/);
  expect(await status(`${api.url}/api/status`, certificates.ca)).toBe(200);
  expect(await status(`${api.url.replace('127.0.0.1', 'localhost')}/api/status`, certificates.ca)).toBe(200);
  await expect(status(`${api.url}/api/status`)).rejects.toThrow('unable to verify');
  await expect(status(`${api.url}/api/status`, createCertificates().ca)).rejects.toThrow('certificate');
});

test('a certificate can be past its time', async () => {
  const certificates = createCertificates({ notAfter: Date.now() - 1000 });
  await using api = await startLeaseApi({ tls: certificates });
  await expect(status(`${api.url}/api/status`, certificates.ca)).rejects.toThrow('expired');
});
