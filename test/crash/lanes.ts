/** Does tasks, begun in order, so many at a time. @returns what they give, in the order of the tasks. */
export async function inLanes<Task, Result>(
  lanes: number,
  tasks: readonly Task[],
  take: (task: Task) => Promise<Result>,
): Promise<readonly Result[]> {
  const left = [...tasks.entries()];
  const results: (readonly [number, Result])[] = [];
  const lane = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [index, task] = next;
      results.push([index, await take(task)]);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results.toSorted(([one], [other]) => one - other).map(([, result]) => result);
}
