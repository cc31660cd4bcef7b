// `tmca inspect`: a name for the commands below it.

import type { Command } from 'commander';
import type { Context } from '../context.js';
import { addInspectForward } from './inspect-forward.js';
import { addInspectGradients } from './inspect-gradients.js';
import { addInspectPlan } from './inspect-plan.js';

export function addInspect(program: Command, context: Context): void {
  const inspect = program.command('inspect').description('Look inside a network.').helpCommand(false);
  addInspectForward(inspect, context);
  addInspectGradients(inspect, context);
  addInspectPlan(inspect, context);
}
