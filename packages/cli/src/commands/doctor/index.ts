// `opencpns doctor`: what is wrong, and what to do about it.
import type { Command } from 'commander'
import { collect, declare, lazily } from '../../command.ts'
import { parseEndpoint } from '../../endpoint.ts'

export function addDoctor(program: Command): void {
  declare(program, 'doctor', {
    does: 'look for what is wrong, here and in data folders, and say what to do',
    fails: 'cannot look',
    more:
      'It changes nothing, and a server or gateway may run meanwhile. Each finding is ok, warn, fail, or unknown: not to be checked from here.\n' +
      'It ends with exit code 5 when something fails, else with 0. Each option may be repeated.',
    examples: [
      'doctor',
      'doctor --data /var/lib/opencpns-server',
      'doctor --gateway-data ./home-gw --server cpns.example.org:7410',
      'doctor --url https://cpns.example.org:7412 --json',
    ],
  })
    .option('--data <dir>', 'data folder of a server', collect(String))
    .option('--gateway-data <dir>', 'data folder of a gateway', collect(String))
    .option('--server <host:port>', 'where a CPNS Server should be reached', collect(parseEndpoint))
    .option('--url <url>', 'admin API that should be reached, and whose clock to compare with', collect(String))
    .action(lazily(() => import('./doctor.ts')))
}
