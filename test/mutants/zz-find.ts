import { mistakes } from './mistakes.ts';
import { play } from './play.ts';
for (const mutation of mistakes.filter((m) => m.world === 'pods')) {
  const found: number[] = [];
  for (let from = 1; from < 60 && found.length < 3; from += 1) {
    const r = await play({ seeds: [from], world: 'pods', mutation, deadline: 40 });
    if (r.end === 'violation')
      (found.push(from),
        console.log(mutation.name, from, r.seconds.toFixed(1), r.invariant, r.message.slice(0, 120)));
    if (r.end === 'broken') {
      console.log('broken', r.message.slice(0, 200));
      break;
    }
  }
  console.log(mutation.name, found);
}
