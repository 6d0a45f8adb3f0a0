// `opencpns completion`: what a shell needs to complete commands and options.
import { Argument, type Command } from 'commander'
import { declare, lazily } from '../../command.ts'

const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

export function addCompletion(program: Command): void {
  const command = declare(program, 'completion', {
    does: 'print what bash, zsh or fish needs to complete commands and options',
    fails: 'cannot print it',
    examples: [
      'completion bash > /etc/bash_completion.d/opencpns',
      'completion zsh > /usr/local/share/zsh/site-functions/_opencpns',
      'completion fish > /etc/fish/completions/opencpns.fish',
    ],
  })
  command.addArgument(new Argument('<shell>', 'which shell').choices(shells))
  command.action(lazily(async () => ({ run: (await import('./completion.ts')).completionOf(program) })))
}
