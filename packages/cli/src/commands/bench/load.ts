// `opencpns bench load`: makes gateways and devices at the server, sends the devices at their times, tells what came of it, and
// removes all that it made.
import { writeFile } from 'node:fs/promises'
import { CliError } from '../../errors.ts'
import { Exit } from '../../exit.ts'
import { note, paintFor, printResult } from '../../output.ts'
import { onceAskedToEnd } from '../../signals.ts'
import { openAdmin } from '../admin/client.ts'
import { Crew } from './crew.ts'
import { drawReport } from './draw.ts'
import { toHtml } from './html.ts'
import { type LoadOptions, type Plan, planOf } from './plan.ts'
import { Progress } from './progress.ts'
import { type Report, reportOf } from './report.ts'
import { Tally } from './tally.ts'
import { makeWorld } from './world.ts'

export async function run(options: LoadOptions): Promise<Exit> {
  const { json, keep, html } = options
  const plan = planOf(options)
  const admin = await openAdmin(options)
  if (html !== undefined) await writeReport(html, '') // better now than after the load
  const asked = onceAskedToEnd()
  const world = await makeWorld(admin, plan.gateways)
  try {
    note(`Adding ${plan.devices} devices of ${plan.gateways} gateways of the user ${world.user}`)
    const crew = await Crew.hire(plan, world.gateways, asked)
    note(`Now ${plan.schedule.ratePerS} of them come in a second. Ctrl-C ends it early`)
    const report = await load(plan, crew, asked)
    crew.dismiss()
    if (html !== undefined) {
      await writeReport(html, toHtml(report))
      note(`The report is in ${html}.`)
    }
    printResult(json, report, drawReport(report, paintFor(process.stdout)))
  } catch (error) {
    if (!asked.aborted) throw error
  } finally {
    if (keep) note(`The user ${world.user} is left at the server, with gateways and devices.`)
    else await world.remove()
  }
  return asked.aborted ? Exit.interrupted : Exit.done
}

async function load(plan: Plan, crew: Crew, asked: AbortSignal): Promise<Report> {
  const tally = new Tally(plan.schedule)
  const startedAt = new Date()
  const began = performance.now()
  const progress = new Progress(plan.schedule, tally)
  try {
    await crew.work((batch) => tally.add(batch), asked)
  } finally {
    progress.end()
  }
  return reportOf(plan, tally, { startedAt, lastedMs: performance.now() - began, interrupted: asked.aborted })
}

async function writeReport(file: string, page: string): Promise<void> {
  try {
    await writeFile(file, page)
  } catch (cause) {
    throw new CliError('OUT_UNWRITABLE', `cannot write ${file}: ${(cause as Error).message}. Give another --html`, {
      cause,
    })
  }
}
