// Operators: who they are, what they asked for, and what became of it. Over HTTP they come by doors/admin.
export type { RequestKey } from './operators/answers.ts'
export { Operators } from './operators/operators.ts'
export { allows, type Operator } from './operators/roles.ts'
