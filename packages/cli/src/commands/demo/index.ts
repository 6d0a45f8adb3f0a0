// `opencpns demo`
import type { Command } from 'commander'
import { declare, lazily } from '../../command.ts'

export function addDemo(program: Command): void {
  declare(program, 'demo', {
    does: 'the whole story on this machine, in seconds',
    fails: 'cannot finish the demo',
    more:
      'It starts a CPNS Server and two gateways as processes of their own, pairs a device with the first, then opens a\n' +
      'secure session at the gateway that knows it, at one that does not, and at the first one again without the server.\n' +
      'Everything is in a temporary folder on free ports, and is gone afterwards.',
    examples: ['demo', 'demo --json | jq .remote.steps'],
  }).action(lazily(() => import('./demo.ts')))
}
