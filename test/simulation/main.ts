import { runSeed } from './run.ts';
const [first = '1', count = '1', all = ''] = process.argv.slice(2);
let steps = 0, leases = 0;
const began = performance.now();
const kinds = new Map<string, number[]>();
for (let seed = Number(first); seed < Number(first) + Number(count); seed += 1) {
  const result = await runSeed(seed, all === 'trace');
  steps += result.steps;
  leases += result.leases;
  if (result.violation) {
    const k = result.violation.invariant + ' ' + result.violation.message.replace(/[0-9a-f-]{36}|\d+/g, '#').slice(0, 300);
    kinds.set(k, [...(kinds.get(k) ?? []), seed]);
    if (all === 'trace' || count === '1') console.log(result.violation.trace.slice(all === 'trace' ? 0 : -60).join('\n'));
  } else if (all === 'trace') console.log(result.trace?.join('\n'));
}
for (const [k, seeds] of kinds) console.log(seeds.length, k, seeds.slice(0, 6).join(','));
const s = (performance.now() - began) / 1000;
console.log(`steps ${steps}, leases ${leases}, ${s.toFixed(1)} s, ${Math.round(steps / s)}/s`);
