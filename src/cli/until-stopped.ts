/** Resolves at SIGTERM or SIGINT; rejects when the failure does. */
export function untilStopped(failure: Promise<never>): Promise<NodeJS.Signals> {
  const signal = new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  return Promise.race([signal, failure]);
}
