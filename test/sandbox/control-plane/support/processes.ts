import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

/** The command lines of all processes that name the text. One that is dead and only unreaped has none. */
export function processesNaming(text: string): string[] {
  const lines = process.platform === 'linux' ? linuxCommandLines() : psCommandLines();
  return lines.filter((line) => line.includes(text));
}

function linuxCommandLines(): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => commandLine(pid).replaceAll('\0', ' ').trim());
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It ended meanwhile.
    return '';
  }
}

function psCommandLines(): string[] {
  return execFileSync('ps', ['-axo', 'args='], { encoding: 'utf8' }).split('\n');
}
