// `opencpns demo`
import type { CommonOptions } from '../../command.ts'
import { Exit } from '../../exit.ts'
import { note, paintFor, printResult } from '../../output.ts'
import { onceAskedToEnd } from '../../signals.ts'
import { drawStory } from './draw.ts'
import { tellStory } from './story.ts'

export async function run({ json, logLevel }: CommonOptions): Promise<Exit> {
  const asked = onceAskedToEnd()
  const began = performance.now()
  const paint = paintFor(process.stderr)
  const tell = (what: string) =>
    note(`${paint('faint', `${((performance.now() - began) / 1000).toFixed(1).padStart(4)} s`)}  ${what}`)
  try {
    const story = await tellStory({ tell, signal: asked, logLevel })
    printResult(json, story, `\n${drawStory(story, paintFor(process.stdout))}`)
    return Exit.done
  } catch (error) {
    if (asked.aborted) return Exit.interrupted
    throw error
  }
}
