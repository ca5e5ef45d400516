// THE TABLE OF TARGETS that are reached by files and commands: one line each. Akash has states in between, and its own commands.
import type { Plan, Planner } from '../plan.ts'
import type { DeploySpec, TargetName } from '../spec.ts'
import { akashPlan } from './akash.ts'
import { dockerPlan } from './docker.ts'
import { kubernetesPlan } from './kubernetes.ts'
import { systemdPlan } from './systemd.ts'

const planners: { readonly [T in TargetName]?: Planner } = {
  docker: dockerPlan,
  systemd: systemdPlan,
  kubernetes: kubernetesPlan,
  akash: akashPlan,
}

/** undefined: the target is not reached this way. */
export const planOf = (spec: DeploySpec, folder: string): Plan | undefined => planners[spec.target]?.(spec, folder)
