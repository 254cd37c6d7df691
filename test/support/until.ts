/** Waits for a condition; fails with what was waited for. @param what may look at how far it came. */
export async function until(
  what: string | (() => string),
  condition: () => boolean | Promise<boolean>,
  limit_ms = 40_000,
  interval_ms = 5,
): Promise<void> {
  const deadline = performance.now() + limit_ms;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`still waiting: ${typeof what === 'string' ? what : what()}`);
    await new Promise((resolve) => setTimeout(resolve, interval_ms));
  }
}
