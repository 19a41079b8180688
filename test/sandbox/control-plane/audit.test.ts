import { appendFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { AuditLog } from '../../../sandbox/control-plane/audit.ts';
import { temporaryFolder } from './support/folders.ts';

function line(verb: string, username: string, objectRef?: object): string {
  const event = {
    kind: 'Event',
    auditID: '1',
    stage: 'ResponseComplete',
    stageTimestamp: '2030-01-01T00:00:00.000000Z',
    requestURI: '/x',
    verb,
    user: { username },
    objectRef,
    responseStatus: { metadata: {}, code: 200 },
  };
  return `${JSON.stringify(event)}\n`;
}

async function auditLog(content: string): Promise<{ log: AuditLog; file: string }> {
  const file = path.join(await temporaryFolder(), 'audit.log');
  await writeFile(file, content);
  return { log: new AuditLog(file, () => Promise.resolve()), file };
}

test('requests are counted by verb and resource with its subresource, those of one user only', async () => {
  const secrets = { resource: 'secrets', namespace: 'a', name: 'b' };
  const status = { resource: 'dynamicsecretleases', subresource: 'status', apiGroup: 'leaseholder.dev' };
  const { log } = await auditLog(
    [
      line('patch', 'me', status),
      line('create', 'me', secrets),
      line('create', 'you', secrets),
      line('get', 'me'),
    ].join(''),
  );
  await expect(log.count('me')).resolves.toEqual({
    'patch dynamicsecretleases/status': 1,
    'create secrets': 1,
    'get /x': 1,
  });
});

test('a mark leaves out what was there before', async () => {
  const { log, file } = await auditLog(line('get', 'me', { resource: 'secrets' }));
  const mark = await log.mark();
  await expect(log.events(mark)).resolves.toEqual([]);
  await appendFile(file, line('list', 'me', { resource: 'secrets' }));
  await expect(log.count('me', mark)).resolves.toEqual({ 'list secrets': 1 });
  const verbs = [];
  for await (const { verb } of log.stream(mark)) verbs.push(verb);
  expect(verbs).toEqual(['list']);
});

test('a line that is still being written is left for later', async () => {
  const whole = line('get', 'me', { resource: 'secrets' });
  const { log, file } = await auditLog(whole + whole.slice(0, 40));
  await expect(log.events()).resolves.toHaveLength(1);
  await appendFile(file, whole.slice(40));
  await expect(log.events()).resolves.toHaveLength(2);
});

test.each([40, 200_000])(
  'a mark within a line of which %i bytes are written is at its beginning',
  async (bytes) => {
    const first = line('get', 'me', { resource: 'secrets' });
    const second = line('list', 'me', { resource: 'secrets', name: 'x'.repeat(300_000) });
    const { log, file } = await auditLog(first + second.slice(0, bytes));
    const mark = await log.mark();
    await appendFile(file, second.slice(bytes));
    await expect(log.count('me', mark)).resolves.toEqual({ 'list secrets': 1 });
  },
);

test('the mark of a log whose only line is being written is its beginning', async () => {
  const { log } = await auditLog(line('get', 'me').slice(0, 40));
  await expect(log.mark()).resolves.toBe(0);
});

test('a line that is no audit event is an error', async () => {
  const { log } = await auditLog('{"kind":"Event"}\n');
  await expect(log.events()).rejects.toThrow('auditID');
});
