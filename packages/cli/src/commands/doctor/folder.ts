// What every data folder must be: for its owner alone, with room left on its disk.
import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Finding, Report } from './check.ts'

const OTHERS = 0o077
const MIB = 1024 * 1024
const FREE_NEEDED = 64 * MIB
const FREE_WANTED = 1024 * MIB

/** @throws {Error} the folder cannot be read */
export async function examinePermissions(report: Report, dir: string): Promise<Finding> {
  const folder = await stat(dir)
  if ((folder.mode & OTHERS) !== 0) {
    return report('permissions', 'fail', `others may look into ${dir}`, `chmod 700 ${dir}`)
  }
  for (const name of await readdir(dir)) {
    const path = join(dir, name)
    const { mode, uid } = await stat(path)
    if ((mode & OTHERS) !== 0) return report('permissions', 'fail', `others may read ${path}`, `chmod 600 ${path}`)
    if (uid !== folder.uid) {
      const found = `${path} is not its owner's, whom the folder belongs to`
      return report('permissions', 'fail', found, `chown --reference=${dir} ${path}`)
    }
  }
  return report('permissions', 'ok', 'for its owner alone')
}

/** @throws {Error} the system does not tell */
export async function examineDisk(report: Report, dir: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(dir)
  const free = bavail * bsize
  const found = `${mib(free)} MiB free`
  if (free < FREE_NEEDED) return report('disk', 'fail', found, 'make room now: without it nothing can be stored')
  if (free < FREE_WANTED) return report('disk', 'warn', found, 'make room, or move the folder')
  return report('disk', 'ok', found)
}

export function mib(octets: number): string {
  return (octets / MIB).toLocaleString('en', { maximumFractionDigits: octets < 10 * MIB ? 1 : 0 })
}
