// `opencpns admin token` and `opencpns admin audit`: who operates the server, and what was asked for.
import { type Command, Option } from 'commander'
import { lazily } from '../../command.ts'
import { parseDuration } from '../../duration.ts'
import { declareAdmin, parseLimit } from './declare.ts'

export function addToken(token: Command): void {
  declareAdmin(token, 'add <name>', {
    does: 'make a token for an operator or a program',
    fails: 'cannot make the token',
    more:
      'A viewer sees everything but tokens; an operator also acts on devices, policies and tickets; an admin does everything.\n' +
      'The token is told this once: with --out it is written to a file that --token-file takes, for its owner alone.',
    examples: [
      'admin token add dora --role operator --expires 90d --out dora.token --data ./server',
      'admin token add grafana --role viewer --data ./server',
    ],
  })
    .addOption(
      new Option('--role <role>', 'what it may do').choices(['viewer', 'operator', 'admin']).makeOptionMandatory(),
    )
    .option('--expires <duration>', 'how long it is good, as 30d or 12h; for ever if not given', parseDuration)
    .option('--out <file>', 'file to write it to')
    .action(lazily(() => import('./token-add.ts')))

  declareAdmin(token, 'list', {
    does: 'list the tokens, newest first',
    fails: 'cannot list the tokens',
    examples: ['admin token list --data ./server'],
  }).action(lazily(() => import('./token-list.ts')))

  declareAdmin(token, 'revoke <name>', {
    does: 'revoke a token, for ever',
    fails: 'cannot revoke the token',
    more: 'It and the sessions of the console that it began end within a second. NAME is its name or its id.',
    examples: ['admin token revoke dora --data ./server'],
  }).action(lazily(() => import('./token-revoke.ts')))
}

export function addAudit(audit: Command): void {
  declareAdmin(audit, 'list', {
    does: 'list what operators asked for and what became of it, newest first',
    fails: 'cannot list the audit log',
    examples: ['admin audit list --data ./server', 'admin audit list --actor dora --action pne.revoke --data ./server'],
  })
    .option('--actor <name>', 'only by the token of this name')
    .option('--action <action>', 'only this action, as user.add or pne.revoke')
    .option('--target <name>', 'only of this user, gateway, device or token')
    .option('--limit <n>', 'how many, 1 to 1000', parseLimit, 50)
    .action(lazily(() => import('./audit-list.ts')))
}
