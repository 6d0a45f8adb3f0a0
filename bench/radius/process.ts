// Processes of a bench: each on a core of its own where the machine can do that, and what processor time they have had.

import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** Seconds of one tick of /proc/PID/stat: USER_HZ is 100 on every Linux. */
const TICK_S = 0.01

const canPin = availableParallelism() > 1 && isThere('taskset')

/** Whether there is such a program. */
export function isThere(program: string): boolean {
  return spawnSync('which', [program], { stdio: 'ignore' }).status === 0
}

/** Starts a program on this core, or on any where cores cannot be chosen. The process is the program itself either way. */
export function spawnOn(core: 0 | 1, program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  if (!canPin) return spawn(program, args, options)
  return spawn('taskset', ['--cpu-list', String(core), program, ...args], options)
}

/** Ends a process, and waits until it has. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}

/**
 * Seconds of processor time, user and system, that a process has had: what its threads ran, in nanoseconds, or where the kernel
 * does not count those, utime + stime of /proc/PID/stat.
 */
export function processorS(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  try {
    const times = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0])
    return times.reduce((sum, time) => sum + Number(time), 0) / 1e9
  } catch {
    const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
    const [utime, stime] = fields.split(' ').slice(11, 13)
    return (Number(utime) + Number(stime)) * TICK_S
  }
}
