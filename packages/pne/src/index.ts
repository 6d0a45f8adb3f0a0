// The device: pair once, then connect.

export { type ConnectOptions, connect } from './connect.ts'
export { Credential, readCredential } from './credential.ts'
export type { CredentialFields } from './credentialFile.ts'
export { type Device, type DeviceOptions, runDevice } from './daemon/device.ts'
export type { DeviceEvent } from './daemon/events.ts'
export { PneError, type PneErrorCode } from './errors.ts'
export { type Forward, type ForwardOptions, forward } from './forward.ts'
export { exportNetwork, type Network, networkOf } from './network.ts'
export { type PairOptions, pair } from './pair.ts'
export type { Closed, Session, SessionFacts } from './session.ts'
export type { Party, Step } from './steps.ts'
export { TransientKeys } from './transientKeys.ts'
