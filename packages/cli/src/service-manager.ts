// What a command that stays tells systemd (sd_notify(3)): that it serves, that it lives, that it ends. Node has no datagram sockets
// of the Unix kind, so systemd-notify says it, a small process of its own; the unit has NotifyAccess=all for that.
import { execFile } from 'node:child_process'
import { type Logger, silent } from '@opencpns/io'

const NOTIFY_MS = 10_000
/** How many times it says that it lives in the time after which it would be taken for dead. */
const SIGNS_OF_LIFE = 3

export interface ServiceManager {
  /** It serves. From now on it says again and again that its event loop turns, if the unit has WatchdogSec=. */
  ready(status: string): void
  stopping(): void
}

/** Without systemd, which gives NOTIFY_SOCKET, it does nothing. */
export function serviceManager(logger: Logger = silent, env: NodeJS.ProcessEnv = process.env): ServiceManager {
  if (!env['NOTIFY_SOCKET']) return { ready() {}, stopping() {} }
  let watchdog: NodeJS.Timeout | undefined
  const say = (...facts: string[]) => {
    execFile('systemd-notify', facts, { env, timeout: NOTIFY_MS }, (err) => {
      if (err)
        logger.warn({ event: 'service-manager', err }, 'systemd could not be told: is systemd-notify on the PATH?')
    })
  }
  return {
    ready(status) {
      say('READY=1', `STATUS=${status}`)
      const everyMs = watchdogMs(env) / SIGNS_OF_LIFE
      if (everyMs > 0) watchdog = setInterval(() => say('WATCHDOG=1'), everyMs).unref()
    },
    stopping() {
      clearInterval(watchdog)
      say('STOPPING=1')
    },
  }
}

/** 0 when nobody waits for signs of life, or for those of another process. */
function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID = `${process.pid}` }: NodeJS.ProcessEnv): number {
  return Number(WATCHDOG_PID) === process.pid ? Number(WATCHDOG_USEC ?? 0) / 1000 : 0
}
