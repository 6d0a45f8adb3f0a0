// A device that stays connected for months without a person: its presence, and local ports that lead to services of the
// gateway where it is.

import type { Address } from '@opencpns/io'
import type { Tracer } from '@opentelemetry/api'
import { connect } from '../connect.ts'
import type { Credential } from '../credential.ts'
import { PneError } from '../errors.ts'
import { type Forward, forwardBy } from '../forward.ts'
import type { Session } from '../session.ts'
import { TransientKeys } from '../transientKeys.ts'
import type { DeviceEvent } from './events.ts'
import { type Gateways, Presence } from './presence.ts'
import { watchForWakes } from './wake.ts'

export interface DeviceOptions {
  readonly credential: Credential
  readonly gateways: Gateways
  /** Local ports, and the service that each leads to. */
  readonly forwards?: readonly { readonly listen: Address; readonly service: string }[] | undefined
  readonly onEvent?: ((event: DeviceEvent) => void) | undefined
  /** As in {@link connect}. */
  readonly tracer?: Tracer | undefined
  /** Gives numbers from 0 (inclusive) to 1 (exclusive), for the pauses between attempts. */
  readonly random?: (() => number) | undefined
}

export interface Device {
  /** They listen, whether or not the device has a gateway at the moment. */
  readonly forwards: readonly Forward[]
  /** Settles when the device was closed; rejects only with a bug. */
  readonly ended: Promise<void>
  /** Ends the presence and all forwards. Idempotent. */
  close(): Promise<void>
}

/**
 * Runs a device until it is closed: it is present at the first gateway that takes it, and comes back after restarts, losses of
 * the network, other addresses and sleep.
 * @throws {PneError} PORT_TAKEN, LISTEN_FAILED: a forward
 */
export async function runDevice(options: DeviceOptions): Promise<Device> {
  const { credential, gateways, forwards: wanted = [], onEvent = () => {}, random, tracer } = options
  const transientKeys = new TransientKeys()
  const presence = new Presence({ credential, gateways, transientKeys, onEvent, random, tracer })

  const open = async (service: string, signal: AbortSignal): Promise<Session> => {
    const at = await presence.here(signal)
    try {
      return await connect({ ...at, credential, transientKeys, service, signal, tracer })
    } catch (error) {
      if (isSilence(error)) presence.probe()
      throw error
    }
  }

  const forwards: Forward[] = []
  const closeForwards = () => Promise.all(forwards.map((one) => one.close()))
  try {
    for (const { listen, service } of wanted) {
      const onError = (error: unknown) => onEvent({ event: 'no-session', service, error })
      forwards.push(await forwardBy((signal) => open(service, signal), { listen, service, onError }))
    }
  } catch (error) {
    await closeForwards()
    throw error
  }

  const stopWatching = watchForWakes(() => presence.wake())
  const ended = presence.stay().finally(stopWatching)
  const close = async () => {
    await Promise.all([presence.close(), closeForwards()])
    await ended
  }
  return { forwards, ended, close }
}

function isSilence(error: unknown): boolean {
  return error instanceof PneError && (error.code === 'UNREACHABLE' || error.code === 'DEADLINE_EXCEEDED')
}
