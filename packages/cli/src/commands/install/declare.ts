// The declaration of `install`, the same for each role that runs as a service.
import type { Command } from 'commander'
import { declare, lazily } from '../../command.ts'
import type { Role } from './install.ts'

/** @param example  options of `run`, as one would type them */
export function declareInstall(group: Command, role: Role, example: string): void {
  const name = `opencpns-${role.name}`
  declare(group, 'install [options...]', {
    does: `write a systemd unit that runs a ${role.name} with as few rights as it needs`,
    fails: 'cannot install the service',
    more:
      `What comes after -- are options of: opencpns ${role.name} run, without --data: the data folder is /var/lib/NAME.\n` +
      `Files among them${role.configured ? ', and those that a --config names,' : ''} are read by root and passed in, so that they can stay for root alone. It starts nothing: it says what to run next.`,
    examples: [
      `${role.name} install --dry-run -- ${example}`,
      `${role.name} install -- ${example}`,
      `${role.name} install --uninstall`,
    ],
  })
    .option('--dry-run', 'print what it would write, and write nothing')
    .option('--uninstall', 'remove the unit again; the data folder stays')
    .option('--name <name>', 'name of the unit and of its folder in /var/lib', name)
    .option('--unit-dir <dir>', 'where units are', '/etc/systemd/system')
    .action(lazily(async () => ({ run: (await import('./install.ts')).installer(role) })))
}
