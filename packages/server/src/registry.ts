// The registry as the doors see it.
export { RegistryError, type RegistryErrorCode } from './registry/errors.ts'
export type { RadiusClient } from './registry/radius-clients.ts'
export { Registry } from './registry/registry.ts'
export type * from './registry/types.ts'
export { type GatewayRow, type PneRow, StoreError, type UserRow } from './store/contract.ts'
