// Completion for zsh, by its own _arguments and _describe: a function for each command.
import type { Command } from 'commander'
import { type Flag, type Node, nodesOf, type Value } from './tree.ts'

export function zsh(program: Command): string {
  const nodes = nodesOf(program)
  return `#compdef opencpns
# Completion of opencpns for zsh. In ~/.zshrc, after compinit: source <(opencpns completion zsh)
${nodes.map((node) => (node.commands.length > 0 ? group(node) : leaf(node))).join('\n')}
if [ "$funcstack[1]" = _opencpns ]; then _opencpns "$@"; else compdef _opencpns opencpns; fi
`
}

function group(node: Node): string {
  const commands = node.commands.map(({ name, says }) => `    ${quoted(`${name}:${says}`)}`)
  const cases = node.commands.map(({ name }) => `    (${name}) ${functionOf(`${node.path} ${name}`.trim())} ;;`)
  return `${functionOf(node.path)}() {
  local -a commands=(
${commands.join('\n')}
  )
  local context state state_descr line
  typeset -A opt_args
  _arguments -C ${flagsOf(node)} '1: :->command' '*:: :->rest'
  case $state in
  (command) _describe -t commands command commands ;;
  (rest) case $line[1] in
${cases.join('\n')}
    esac ;;
  esac
}`
}

function leaf(node: Node): string {
  return `${functionOf(node.path)}() { _arguments ${flagsOf(node)} ${quoted(`*: :${action(node.argument)}`)} }`
}

function functionOf(path: string): string {
  return `_opencpns${path === '' ? '' : `_${path.replaceAll(' ', '_')}`}`
}

function flagsOf({ flags }: Node): string {
  return flags
    .flatMap((flag) => flag.names.map((name) => quoted(`*${name}[${brackets(flag.says)}]${argumentOf(flag)}`)))
    .join(' ')
}

function argumentOf(flag: Flag): string {
  return flag.kind === 'none' ? '' : `: :${action(flag)}`
}

function action({ kind, choices }: Value): string {
  if (choices.length > 0) return `(${choices.join(' ')})`
  return { file: '_files', folder: '_files -/', other: ' ', none: ' ' }[kind]
}

function brackets(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
