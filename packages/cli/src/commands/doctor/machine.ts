// What this machine gives: Node and what is in it, how many files may be open, the clock.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { promisify } from 'node:util'
import { type Finding, reporter } from './check.ts'

const NODE_NEEDED = 24
const GROUP = 'X25519MLKEM768'
/** A gateway or server needs a file for each connection, and some more. */
const FILES_WANTED = 4096

const report = reporter('machine')

/** @param isCompared  the clock is compared with that of a server anyway */
export async function examineMachine(isCompared: boolean): Promise<Finding[]> {
  return [node(), sqlite(), openssl(), openFiles(), await clock(isCompared)]
}

function node(): Finding {
  const { node: version } = process.versions
  if (Number.parseInt(version, 10) >= NODE_NEEDED) return report('Node', 'ok', version)
  return report('Node', 'fail', version, `install Node ${NODE_NEEDED} or newer`)
}

function sqlite(): Finding {
  return report('SQLite', 'ok', `${process.versions.sqlite}, in Node`)
}

function openssl(): Finding {
  const { openssl: version } = process.versions
  try {
    createSecureContext({ ecdhCurve: GROUP })
    return report('OpenSSL', 'ok', `${version}, with ${GROUP}`)
  } catch {
    const advice =
      'sessions use X25519 instead; for post-quantum ones take the Node of nodejs.org, not one with an older OpenSSL'
    return report('OpenSSL', 'warn', `${version}, without ${GROUP}`, advice)
  }
}

function openFiles(): Finding {
  const limit = limitOfOpenFiles()
  if (limit === undefined) return report('open files', 'unknown', 'the system does not tell its limit: ulimit -n does')
  if (limit >= FILES_WANTED) return report('open files', 'ok', `${limit} at once`)
  const advice = `raise it above ${FILES_WANTED}: LimitNOFILE= in the unit, or ulimit -n`
  return report('open files', 'warn', `${limit} at once: as many connections, less some`, advice)
}

/** Of this process; that of a service is in its unit. */
function limitOfOpenFiles(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === 'unlimited' ? Number.POSITIVE_INFINITY : soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}

async function clock(isCompared: boolean): Promise<Finding> {
  const asked = promisify(execFile)('timedatectl', ['show', '--property=NTPSynchronized', '--value'], { timeout: 2000 })
  const answer = await asked.then(({ stdout }) => stdout.trim()).catch(() => '')
  if (answer === 'yes') return report('clock', 'ok', 'set by the network')
  if (answer === 'no') {
    const advice = 'start systemd-timesyncd or chrony: challenges and tickets are good for minutes'
    return report('clock', 'warn', 'not set by the network', advice)
  }
  return report(
    'clock',
    'unknown',
    'this system does not tell whether it is set by the network',
    isCompared ? undefined : 'compare it with that of the server: --url URL',
  )
}
