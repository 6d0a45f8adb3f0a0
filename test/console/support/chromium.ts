// A real Chromium out of npm.

import { setTimeout as sleep } from 'node:timers/promises'
import chromium from '@sparticuz/chromium'
import { type Browser, chromium as playwright } from 'playwright-core'

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-zygote',
  '--disable-dev-shm-usage',
  '--font-render-hinting=none',
]
const ATTEMPTS = 3

/** A browser without a window, or why there is none. */
export async function launch(): Promise<Browser | string> {
  let reason = ''
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      // The first of several processes unpacks it, and the others may come upon half of it.
      const executablePath = await chromium.executablePath()
      return await playwright.launch({ executablePath, args: ARGUMENTS, headless: true })
    } catch (error) {
      reason = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error)
      await sleep(1000)
    }
  }
  return `Chromium does not start here (${reason}): what it needs is in docs of @sparticuz/chromium`
}
