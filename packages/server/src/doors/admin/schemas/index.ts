// What the admin API takes and gives, as JSON Schema by TypeBox: validation, serialisation and types come from here.
export { Health, IfMatch, NoQuery, PageQuery, Problem } from './common.ts'
export * from './events.ts'
export * from './gateways.ts'
export * from './live.ts'
export * from './operators.ts'
export * from './pnes.ts'
export * from './presence.ts'
export * from './users.ts'
