import { describe, expect, it } from 'vitest';

import { createCheck, ExpectationFailed } from '../../../sandbox/demo/check.ts';
import { historyTable, leaseHistories } from '../../../sandbox/demo/lease-history.ts';
import { createNarrator, type Narrator } from '../../../sandbox/demo/narrator.ts';
import { readable, unread } from '../../../sandbox/demo/operator-log.ts';
import { parseOptions, type Choice } from '../../../sandbox/demo/options.ts';
import { commandLine, root } from '../../../sandbox/demo/terminal.ts';
import type { LedgerEntry } from '../../../sandbox/lease-api/ledger.ts';

describe('the command line', () => {
  const rows: Record<string, [args: string[], choice: Partial<Choice>]> = {
    'is empty: the demo runs and removes everything': [[], { kind: 'run', keep: false }],
    'has --keep: it stays up': [['--keep'], { kind: 'run', keep: true }],
    'has --help beside anything: the usage is printed': [['--keep', '--help'], { kind: 'help' }],
    'has a flag that is not known: refused': [['--kepe'], { kind: 'refused' }],
    'has a value for a flag without one: refused': [['--keep=yes'], { kind: 'refused' }],
    'has an argument that is no flag: refused': [['keep'], { kind: 'refused' }],
  };
  it.each(Object.entries(rows))('%s', (_, [args, choice]) => {
    expect(parseOptions(args)).toMatchObject(choice);
  });

  it('is told which flag is wrong', () => {
    expect(parseOptions(['--kepe'])).toMatchObject({ fault: expect.stringContaining('--kepe') as unknown });
  });
});

/** A narrator whose clock goes on by 1.5 s whenever it is looked at. */
function narration(bold = false): { narrator: Narrator; text: () => string } {
  let printed = '';
  let now = 0;
  const narrator = createNarrator({
    write: (text) => void (printed += text),
    bold,
    now: () => (now += 1500),
  });
  return { narrator, text: () => printed };
}

describe('the narrator', () => {
  it('numbers the steps, tells their time, and indents commands and their output', async () => {
    const { narrator, text } = narration();
    const result = await narrator.step('Begin', async () => {
      narrator.command('kubectl get dsl');
      narrator.output('NAME\norders-db\n');
      narrator.holds('it is there');
      return 7;
    });
    await narrator.step('End', async () => narrator.command('kubectl apply -f -', 'kind: Secret\n'));

    expect(result).toBe(7);
    expect(narrator.steps().map(({ title }) => title)).toEqual(['Begin', 'End']);
    expect(text()).toBe(
      [
        '\n1. Begin\n   $ kubectl get dsl\n     NAME\n     orders-db\n   ok: it is there\n   (3.0 s)\n',
        "\n2. End\n   $ kubectl apply -f - <<'EOF'\n     kind: Secret\n     EOF\n   (3.0 s)\n",
      ].join(''),
    );
  });

  it('prints nothing for empty output', () => {
    const { narrator, text } = narration();
    narrator.output('\n');
    expect(text()).toBe('');
  });

  it('prints headings in bold where it is told to', () => {
    const { narrator, text } = narration(true);
    narrator.heading('Done');
    expect(text()).toBe('\n\u001B[1mDone\u001B[0m\n');
  });

  it('prints no concealed text, wherever it comes up', async () => {
    const { narrator, text } = narration();
    narrator.conceal('pass$&word');
    narrator.conceal('other');
    const play = async (): Promise<void> => {
      narrator.say('a pass$&word', 'pass$&word and other');
      narrator.command('echo other', 'input pass$&word');
      narrator.output('other');
      narrator.holds('pass$&word');
    };
    await narrator.step('Step other', play);
    expect(text()).not.toMatch(/pass\$&word|other/);
    expect(text()).toContain('a ********\n   ******** and ********');
    expect(narrator.concealed()).toEqual(['pass$&word', 'other']);
  });
});

describe('a check', () => {
  it('tells what holds', () => {
    const held: string[] = [];
    createCheck((sentence) => held.push(sentence))('both are equal', { a: [1] }, { a: [1] });
    expect(held).toEqual(['both are equal']);
  });

  it('throws with what was expected and what was found', () => {
    const check = createCheck(() => undefined);
    const fail = (): void => check('nobody is there', ['somebody'], []);
    expect(fail).toThrow(ExpectationFailed);
    expect(fail).toThrow(expect.objectContaining({ expected: '[]', found: "[ 'somebody' ]" }) as Error);
  });
});

describe('a command', () => {
  const rows: Record<string, [args: string[], line: string]> = {
    'stands as it is typed': [['get', 'dsl/orders-db', '-o', 'yaml'], 'kubectl get dsl/orders-db -o yaml'],
    'names files from the repository on': [['apply', '-f', `${root}/crds/`], 'kubectl apply -f crds/'],
    'is quoted where a shell would read it otherwise': [
      ['wait', "--for=jsonpath={.a}='1 2'"],
      String.raw`kubectl wait '--for=jsonpath={.a}='\''1 2'\'''`,
    ],
  };
  it.each(Object.entries(rows))('%s', (_, [args, line]) => {
    expect(commandLine(args)).toBe(line);
  });
});

describe("the operator's log", () => {
  const line = {
    level: 'info',
    msg: 'A lease was issued.',
    time: '2030-01-02T03:04:05.678Z',
    object: 'default/orders-db',
    version: '1',
    wait: 12,
  };

  it('is shown as time, level, message and fields', () => {
    expect(readable(line)).toBe('03:04:05 info A lease was issued. object=default/orders-db wait=12');
    expect(readable({ level: 'warn', msg: 'No time.' })).toBe('warn No time.');
  });

  it('is read on from where it was left', () => {
    const lines = [line];
    const next = unread(lines);
    expect(next()).toHaveLength(1);
    expect(next()).toEqual([]);
    lines.push({ ...line, msg: 'Another.' }, { ...line, msg: 'And another.' });
    expect(next().map(({ msg }) => msg)).toEqual(['Another.', 'And another.']);
  });
});

/** An entry about a lease of the demo's dynamic secret, or about none. */
function entry(event: LedgerEntry['event'], leaseId: string | null, at: number): LedgerEntry {
  const externalEntityId = leaseId === null ? null : `user-of-${leaseId}`;
  const dynamicSecret = { dynamicSecret: 'orders-postgres', dynamicSecretId: 'd' };
  const absent = { by: null, method: null, proof: null, tag: null, expireAt: null };
  return { at, event, leaseId, ...dynamicSecret, ...absent, externalEntityId };
}

describe("the ledger's story", () => {
  const histories = leaseHistories([
    entry('login', null, 900),
    entry('requested', null, 950),
    entry('made', 'first', 1000),
    entry('made', 'second', 31_000),
    entry('expired', 'first', 61_040),
    entry('made', 'third', 61_500),
    entry('revoke-failed', 'second', 62_000),
    entry('revoked', 'second', 63_000),
    entry('dropped', 'third', 64_000),
  ]);

  it('has each lease with its end', () => {
    expect(histories.map(({ leaseId, ended }) => [leaseId, ended])).toEqual([
      ['first', { how: 'expired', at: 61_040 }],
      ['second', { how: 'revoked', at: 63_000 }],
      // A row that was dropped is no end: its user may be there still.
      ['third', undefined],
    ]);
  });

  it('counts from the first lease on', () => {
    expect(
      historyTable(histories)
        .split('\n')
        .map((row) => row.replaceAll(/ {2,}/g, ' | ')),
    ).toEqual([
      'LEASE | USER | MADE | ENDED',
      'first | user-of-first | +0.0 s | +60.0 s | expired',
      'second | user-of-second | +30.0 s | +62.0 s | revoked',
      'third | user-of-third | +60.5 s | lives',
    ]);
  });
});
