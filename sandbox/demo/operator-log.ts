import type { LogLine } from '../operator/operator.ts';

/** Fields that every line has or that say nothing to a reader of the demo. */
const leftOut = new Set(['level', 'msg', 'time', 'version', 'installation']);

/** A log line for reading: time, level, message, then what varies as `name=value`. */
export function readable(line: LogLine): string {
  const time = typeof line['time'] === 'string' ? line['time'].slice(11, 19) : '';
  const fields = Object.entries(line)
    .filter(([name]) => !leftOut.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return [time, line.level, line.msg, ...fields].filter((part) => part !== '').join(' ');
}

/** Gives, at each call, the lines that have come since the call before. */
export function unread(lines: readonly LogLine[]): () => readonly LogLine[] {
  let read = 0;
  return () => {
    const fresh = lines.slice(read);
    read += fresh.length;
    return fresh;
  };
}
