// A machine with systemd: this one's files under an overlay, booted by systemd-nspawn. What it changes is gone with it.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CHECKOUT = fileURLToPath(new URL('../../../', import.meta.url))
const BOOT_MS = 800_000

/** Why no such machine can be had here; undefined when it can. */
export function whyNoMachine(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux can boot a container'
  const missing = ['/usr/bin/systemd-nspawn', '/lib/systemd/systemd'].find((path) => !existsSync(path))
  if (missing !== undefined) return `${missing} is not there (Debian: systemd-container)`
  const folder = mkdtempSync(join(tmpdir(), 'opencpns-overlay-'))
  try {
    overlay(folder)
    return undefined
  } catch {
    return 'no overlay can be mounted here'
  } finally {
    dismantle(folder)
  }
}

/** Boots it, has it run a script as root, and gives all that the script has printed. */
export async function runOnMachine(script: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'opencpns-machine-'))
  try {
    const root = overlay(folder)
    mkdirSync(join(root, 'opt/opencpns'), { recursive: true })
    cpSync(script, join(root, 'opt/script.sh'))
    writeFileSync(join(root, 'etc/systemd/system/script.service'), SCRIPT_UNIT)
    const bind = `--bind-ro=${CHECKOUT}:/opt/opencpns`
    const args = ['--quiet', '--register=no', '--keep-unit', '--private-network', '-D', root, bind, '--boot']
    const child = spawn('systemd-nspawn', [...args, 'systemd.unit=script.service'], {
      stdio: 'ignore',
      timeout: BOOT_MS,
    })
    await once(child, 'exit')
    const printed = join(root, 'opt/printed.txt')
    return existsSync(printed) ? readFileSync(printed, 'utf8') : 'the container did not run it'
  } finally {
    dismantle(folder)
  }
}

const SCRIPT_UNIT = `[Unit]
Description=What this machine is for
[Service]
Type=oneshot
ExecStart=/bin/bash /opt/script.sh
ExecStopPost=/bin/systemctl --no-block poweroff
StandardOutput=file:/opt/printed.txt
StandardError=inherit
`

/** The files of this machine at `folder`/root, with all changes in memory. */
function overlay(folder: string): string {
  const [changes, root] = [join(folder, 'changes'), join(folder, 'root')]
  mkdirSync(changes)
  mkdirSync(root)
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', changes])
  for (const name of ['upper', 'work']) mkdirSync(join(changes, name))
  const options = `lowerdir=/,upperdir=${join(changes, 'upper')},workdir=${join(changes, 'work')}`
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, root], { stdio: 'pipe' })
  return root
}

function dismantle(folder: string): void {
  for (const mount of ['root', 'changes']) {
    try {
      execFileSync('umount', [join(folder, mount)], { stdio: 'ignore' })
    } catch {
      // It was not mounted.
    }
  }
  rmSync(folder, { recursive: true, force: true })
}
