import type { Output, Subject } from './command.ts';
import { exitCodeOf, type Finding } from './finding.ts';

/** What a check prints. */
export function render(output: Output, subject: Subject, findings: readonly Finding[]): string {
  return output === 'json' ? asJSON(subject, findings) : asTable(findings);
}

function asJSON(connection: Subject, findings: readonly Finding[]): string {
  return `${JSON.stringify({ connection, ok: exitCodeOf(findings) === 0, findings }, undefined, 2)}\n`;
}

const headings = ['RESULT', 'CHECK', 'ABOUT', 'WHAT'] as const;

function asTable(findings: readonly Finding[]): string {
  const rows = [
    headings,
    ...findings.map(({ result, check, about, reason, message }) => [
      result,
      check,
      about,
      reason === undefined ? message : `${reason}: ${message}`,
    ]),
  ];
  const widths = headings.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${[...lines, '', summary(findings)].join('\n')}\n`;
}

function summary(findings: readonly Finding[]): string {
  const failed = findings.filter(({ result }) => result === 'fails').length;
  if (failed === 0) return 'All is well.';
  return failed === 1 ? '1 thing would fail.' : `${String(failed)} things would fail.`;
}
