// Two ends of a wire: a veth pair, one end here and one in a network namespace of its own. All of it is gone at the end.

import { execFileSync, spawnSync } from 'node:child_process'

const IP = 'ip'
const ip = (...args: string[]) => execFileSync(IP, args, { stdio: ['ignore', 'ignore', 'pipe'] })

export class Wire {
  /** Unique, and within the 15 characters of a name. */
  readonly #id = `${process.pid}${process.hrtime()[1]}`.slice(-9)
  readonly namespace = `cpns-${this.#id}`
  readonly here = `cpa${this.#id}`
  readonly there = `cpb${this.#id}`

  /** Why there can be no wire, with what to do about it; false where there can. */
  static impossible(): string | false {
    const name = `cpns-try-${process.pid}`
    const made = spawnSync(IP, ['netns', 'add', name]).status === 0
    const joined = made && spawnSync(IP, ['link', 'add', `cpt${process.pid}`.slice(0, 15), 'type', 'veth']).status === 0
    if (joined) spawnSync(IP, ['link', 'delete', `cpt${process.pid}`.slice(0, 15)])
    if (made) spawnSync(IP, ['netns', 'delete', name])
    return !joined && 'network namespaces and veth pairs are not allowed here: run as root, with CAP_NET_ADMIN'
  }

  open(): void {
    ip('netns', 'add', this.namespace)
    ip('link', 'add', this.here, 'type', 'veth', 'peer', 'name', this.there)
    ip('link', 'set', this.there, 'netns', this.namespace)
    ip('link', 'set', this.here, 'up')
    ip('netns', 'exec', this.namespace, 'ip', 'link', 'set', this.there, 'up')
  }

  /** The pair goes with its namespace. */
  close(): void {
    spawnSync(IP, ['link', 'delete', this.here])
    spawnSync(IP, ['netns', 'delete', this.namespace])
  }
}
