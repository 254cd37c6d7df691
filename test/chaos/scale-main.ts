/**
 * `npm run chaos -- --scale`: workers are scaled from 1 to 3 to 2 while rows flow at a fixed rate, by planned moves and by kill -9. The
 * stack must be up, and nobody else's.
 */
import { Scaling, type ScalingOptions } from './scaling.ts';
import { ScalingReport } from './scaling-report.ts';
import { scaleSteps, type ScaleManner } from './scale-steps.ts';

/** How many workers there are before the first step. */
const before = { planned: 1, killed: 2 } as const;

/** @returns the exit code. */
export async function runScaling(options: ScalingOptions, only: ScaleManner | null): Promise<number> {
  const manners: readonly ScaleManner[] = only === null ? ['planned', 'killed'] : [only];
  const report = new ScalingReport();
  const scaling = await Scaling.create(options);
  try {
    await scaling.startWorkers(before[manners[0]!]);
    for (const manner of manners) {
      report.take(manner, await scaling.run(scaleSteps[manner], report.made), scaling);
      if (report.mismatches > 0) break;
    }
  } catch (error) {
    report.gaveUp(error as Error, scaling);
  } finally {
    await scaling.close();
  }
  report.print(scaling);
  return report.mismatches === 0 ? 0 : 1;
}
