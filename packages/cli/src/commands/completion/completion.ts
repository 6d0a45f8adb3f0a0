// `opencpns completion`
import type { Command } from 'commander'
import type { CommonOptions } from '../../command.ts'
import { print, printJson } from '../../output.ts'
import { bash } from './bash.ts'
import { fish } from './fish.ts'
import type { Shell } from './index.ts'
import { zsh } from './zsh.ts'

const scripts = { bash, zsh, fish }

export function completionOf(program: Command) {
  return async function run({ json }: CommonOptions, shell: Shell): Promise<undefined> {
    const script = scripts[shell](program)
    if (json) printJson({ shell, script })
    else print(script.trimEnd())
  }
}
