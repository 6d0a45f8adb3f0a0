// Completion for fish: a line for each command and option, and a function that tells where one is.
import type { Command } from 'commander'
import { type Flag, type Node, nodesOf } from './tree.ts'

export function fish(program: Command): string {
  return `# Completion of opencpns for fish. In ~/.config/fish/config.fish: opencpns completion fish | source
function __opencpns_at
  # Whether the commands typed so far are these: words that are no command (values, arguments) are passed over.
  set -l typed (commandline -opc)
  set -l path
  for word in $typed[2..]
    contains -- "$path $word" $__opencpns_paths; and set path "$path $word"
  end
  test "$path" = "$argv[1]"
end
set -g __opencpns_paths ${nodesOf(program)
    .filter(({ path }) => path !== '')
    .map(({ path }) => quoted(` ${path}`))
    .join(' ')}
complete -c opencpns -f
${nodesOf(program).flatMap(linesOf).join('\n')}
`
}

function linesOf({ path, commands, flags, argument }: Node): string[] {
  const here = `complete -c opencpns -n ${quoted(`__opencpns_at ${quoted(path === '' ? '' : ` ${path}`)}`)}`
  return [
    ...commands.map(({ name, says }) => `${here} -a ${name} -d ${quoted(says)}`),
    ...flags.map((flag) => `${here} ${flagOf(flag)} -d ${quoted(flag.says)}`),
    ...(argument.kind === 'file' ? [`${here} -F`] : []),
    ...(argument.choices.length > 0 ? [`${here} -a ${quoted(argument.choices.join(' '))}`] : []),
  ]
}

function flagOf({ names, kind, choices }: Flag): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)).join(' ')
  if (choices.length > 0) return `${flags} -x -a ${quoted(choices.join(' '))}`
  return `${flags}${{ file: ' -r -F', folder: ` -x -a '(__fish_complete_directories)'`, other: ' -x', none: '' }[kind]}`
}

function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`
}
