// Asking before what cannot be taken back: only a person at a terminal is asked.
import { createInterface } from 'node:readline/promises'

/** Whether the person typed exactly `answer`. False where standard input or standard error is no terminal: nobody is there. */
export async function confirmed(question: string, answer: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return (await terminal.question(`${question}\nType ${answer} to go on: `)).trim() === answer
  } finally {
    terminal.close()
  }
}
