// The registry as the doors see it.
export { RegistryError, type RegistryErrorCode } from './registry/errors.ts'
export type { UserPolicy } from './registry/policies.ts'
export { Registry } from './registry/registry.ts'
export type * from './registry/types.ts'
export {
  type GatewayRow,
  type GenerationRow,
  type KeyRow,
  type ListedGatewayRow,
  type PneRow,
  type RegistrationRow,
  StoreError,
  type UserRow,
} from './store/contract.ts'
