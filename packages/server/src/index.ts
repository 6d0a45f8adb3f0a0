// The CPNS Server: what runs one, what operates on its data folder, and what a bench measures.

export { type AuthenticationContext, authenticate } from './authenticate.ts'
export { type BackupOptions, type BackupReport, backupDataFolder } from './backup/backup.ts'
export { BackupError, type BackupErrorCode } from './backup/errors.ts'
export { type RestoreOptions, type RestoreReport, restoreDataFolder } from './backup/restore.ts'
export type { Bus } from './bus/bus.ts'
export { Hub } from './bus/hub.ts'
export { Challenges } from './challenges.ts'
export { openCore } from './core.ts'
export { examineDataFolder, type FolderFacts } from './datafolder/examine.ts'
export { type MoveOptions, moveStore } from './datafolder/move-store.ts'
export type { Rekeyed, RekeyOptions } from './datafolder/rekey.ts'
export {
  type DataFolder,
  DataFolderError,
  type DataFolderErrorCode,
  initDataFolder,
  openDataFolder,
  readAdminAccess,
  rekeyDataFolder,
  writeAdminAddress,
} from './datafolder.ts'
export { type AdminDoor, type AdminDoorOptions, createAdminDoor } from './doors/admin/door.ts'
export { EventLog, type EventRow, type EventType, type NewEvent } from './events.ts'
export { openLive } from './live/open.ts'
export { Totals } from './live/totals.ts'
export type { RefusalReason } from './refusal.ts'
export {
  type Assignment,
  type GatewayCredential,
  type GatewayRow,
  type LinkGateway,
  type Peer,
  type PneRow,
  Registry,
  RegistryError,
  type RegistryErrorCode,
  type RegistryOptions,
  StoreError,
  type UserRow,
} from './registry.ts'
export {
  openPart,
  type PartOptions,
  type RunningServer,
  runServer,
  type ServerOptions,
  type ServerPart,
} from './server.ts'
export type { Store } from './store/contract.ts'
export { openSqlite } from './store/sqlite/open.ts'
export { Vault, VaultError } from './vault.ts'
export { WorkerError } from './workers/crew.ts'
export { runWorkers, type WorkersOptions } from './workers/primary.ts'
export { runWorker, type WorkerOptions } from './workers/worker.ts'
