// Completion for bash 4.4 and later, without the package bash-completion: one function and its tables.
import type { Command } from 'commander'
import { type Kind, type Node, nodesOf } from './tree.ts'

export function bash(program: Command): string {
  const nodes = nodesOf(program)
  return `# Completion of opencpns for bash. In ~/.bashrc: source <(opencpns completion bash)
_opencpns() {
  local word=\${COMP_WORDS[COMP_CWORD]} before='' path='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    before=\${COMP_WORDS[i]}
    if [[ " $(_opencpns_commands "$path") " == *" $before "* ]]; then path="\${path:+$path }$before"; fi
  done
  # Bash takes --name=value for three words.
  if [[ $word == = ]]; then word=''; elif [[ $before == = ]]; then before=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  case "$path $before" in
${valueCases(nodes)}
  esac
  if [[ $word == -* ]]; then _opencpns_reply -W "$(_opencpns_flags "$path")"; return; fi
  _opencpns_reply -W "$(_opencpns_commands "$path")"
  case "$path" in
${argumentCases(nodes)}
  esac
}
_opencpns_reply() {
  if [[ $1 == -[fd] ]]; then compopt -o filenames 2>/dev/null; fi
  mapfile -t COMPREPLY < <(compgen "$@" -- "$word")
}
_opencpns_commands() {
  case "$1" in
${nodes
  .filter(({ commands }) => commands.length > 0)
  .map(commandsOf)
  .join('\n')}
  esac
}
_opencpns_flags() {
  case "$1" in
${nodes.map(flagsOf).join('\n')}
  esac
}
complete -F _opencpns opencpns
`
}

function commandsOf({ path, commands }: Node): string {
  return `    '${path}') echo '${commands.map(({ name }) => name).join(' ')}' ;;`
}

function flagsOf({ path, flags }: Node): string {
  return `    '${path}') echo '${flags.flatMap(({ names }) => names).join(' ')}' ;;`
}

/** What completes the values of options: a case for each way. */
function valueCases(nodes: readonly Node[]): string {
  const places = new Map<string, string[]>()
  for (const { path, flags } of nodes) {
    for (const { names, kind, choices } of flags) {
      if (kind === 'none') continue
      const way = choices.length > 0 ? `_opencpns_reply -W '${choices.join(' ')}'; return` : ways[kind]
      places.set(way, [...(places.get(way) ?? []), ...names.map((name) => `'${path} ${name}'`)])
    }
  }
  return [...places].map(([way, of]) => `    ${of.join(' | \\\n    ')})\n      ${way} ;;`).join('\n')
}

function argumentCases(nodes: readonly Node[]): string {
  const files = nodes.filter(({ argument }) => argument.kind === 'file').map(({ path }) => `'${path}'`)
  const chosen = nodes.filter(({ argument }) => argument.choices.length > 0)
  const choices = chosen.map(
    ({ path, argument }) => `    '${path}') _opencpns_reply -W '${argument.choices.join(' ')}' ;;`,
  )
  return [`    ${files.join(' | ')}) _opencpns_reply -f ;;`, ...choices].join('\n')
}

const ways: Readonly<Record<Exclude<Kind, 'none'>, string>> = {
  file: '_opencpns_reply -f; return',
  folder: '_opencpns_reply -d; return',
  other: 'return',
}
