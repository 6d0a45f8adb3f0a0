// A network namespace and a line to it that can be long, lossy, or cut, one way or both: real packets, for the kernel's own TCP to
// deal with. It needs root and python3, and no queueing discipline of the kernel's (netem), which not every kernel has.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Trial } from './fault.ts'

const CARRIER = fileURLToPath(new URL('line.py', import.meta.url))
/** Of the range for tests of networks, RFC 2544. */
const [NEAR, FAR] = ['198.18.0.1', '198.18.0.2']

export interface Shape {
  readonly roundTripMs: number
  /** Share of packets that are lost, 0 to 1. */
  readonly loss: number
  /** Which way packets do not get through. */
  readonly cut: 'nowhere' | 'there' | 'back' | 'both ways'
}

const plain: Shape = { roundTripMs: 0, loss: 0, cut: 'nowhere' }

export class Line {
  readonly namespace: string
  /** The far end's address, as the near end sees it. */
  readonly far = FAR
  readonly #tell: (line: string) => void

  private constructor(namespace: string, tell: (line: string) => void) {
    this.namespace = namespace
    this.#tell = tell
  }

  /** @returns why there can be none, where there can be none */
  static async open({ after }: Pick<Trial, 'after'>): Promise<Line | string> {
    if (process.getuid?.() !== 0) return 'network namespaces need root'
    if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun'
    const namespace = `opencpns-${process.pid}`
    const [near, far] = [`near${process.pid}`, `far${process.pid}`]
    try {
      ip('netns', 'add', namespace)
    } catch (error) {
      return `no network namespace can be made: ${(error as Error).message}`
    }
    after(() => ip('netns', 'del', namespace))
    const carrier = spawn('python3', [CARRIER, near, far], { stdio: ['pipe', 'pipe', 'inherit'] })
    const ended = new Promise((resolve) => carrier.once('close', resolve))
    after(() => {
      carrier.stdin.end()
      return ended
    })
    const isThere = await Promise.race([once(carrier.stdout, 'data').then(() => true), ended.then(() => false)])
    if (!isThere) return 'python3 cannot make TUN devices'
    ip('link', 'set', far, 'netns', namespace)
    ip('address', 'add', NEAR, 'peer', FAR, 'dev', near)
    ip('link', 'set', near, 'up')
    for (const name of ['lo', far]) ip('-n', namespace, 'link', 'set', name, 'up')
    ip('-n', namespace, 'address', 'add', FAR, 'peer', NEAR, 'dev', far)
    return new Line(namespace, (line) => carrier.stdin.write(line))
  }

  /** From now on the line is so; what is not said is as on a good line. */
  shape(shape: Partial<Shape>): void {
    const { roundTripMs, loss, cut } = { ...plain, ...shape }
    const there = cut === 'nowhere' || cut === 'back'
    const back = cut === 'nowhere' || cut === 'there'
    this.#tell(`${JSON.stringify({ delayMs: roundTripMs / 2, loss, there, back })}\n`)
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
