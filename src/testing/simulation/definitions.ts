/** The views that people wrote, planned. */
import type { EntityPlan, Plan } from '../../define/plan.ts';
import { planOf } from './defined-views.ts';
import { writtenEntity } from './simulated-views.ts';
import { prefix } from './tables.ts';

const simulatedPlan: Plan = planOf(writtenEntity, prefix);
export const simulatedUser: EntityPlan = simulatedPlan.entities[0]!;
