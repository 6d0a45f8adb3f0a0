// A real Chromium, and a watch over all that its pages do: what they ask for, and what the browser refuses them.

import assert from 'node:assert/strict'
import { after } from 'node:test'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { until } from '../../support/until.ts'
import { launch } from './chromium.ts'

const launched = await launch()
after(() => (typeof launched === 'string' ? undefined : launched.close()))

/** For `skip` of a test: why there is no browser, or false. */
export const noBrowser = typeof launched === 'string' ? launched : false
/** Options of a test with a system and a browser: only what hangs takes so long, whatever else the machine does. */
export const inBrowser = { skip: noBrowser, timeout: 600_000 }

const TELL_VIOLATIONS = `addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
  console.error('policy violated: ' + violatedDirective + ' ' + blockedURI)
})`

/** All that the page has told in a region for that: it goes away by itself, and nobody may have looked in time. */
const NOTE_WHAT_IS_TOLD = `globalThis.told = new Set()
new MutationObserver(() => {
  for (const region of document.querySelectorAll('[role=status]')) told.add(region.textContent)
}).observe(document, { subtree: true, childList: true, characterData: true })`

/** A page of its own, with its own cookies. */
export class Watched {
  readonly page: Page
  /** Every URL that was asked for, whoever asked. */
  readonly urls: string[] = []
  /** What the browser refused, and what went wrong in the page. */
  readonly faults: string[] = []

  private constructor(page: Page) {
    this.page = page
    page.on('request', (request) => this.urls.push(request.url()))
    page.on('pageerror', (error) => this.faults.push(`error: ${error.message}`))
    page.on('dialog', (dialog) => {
      this.faults.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('console', (message) => {
      // The browser itself notes every answer that is no success; which those are the tests say.
      const isStatus = message.text().startsWith('Failed to load resource')
      if (['error', 'warning'].includes(message.type()) && !isStatus) this.faults.push(`console: ${message.text()}`)
    })
  }

  static async open(base: string, options: BrowserContextOptions = {}): Promise<Watched> {
    if (typeof launched === 'string') throw new Error(launched)
    const context = await launched.newContext({ baseURL: base, viewport: { width: 1280, height: 900 }, ...options })
    context.setDefaultTimeout(60_000)
    await context.addInitScript({ content: TELL_VIOLATIONS })
    await context.addInitScript({ content: NOTE_WHAT_IS_TOLD })
    return new Watched(await context.newPage())
  }

  /** Resolves when the page has told it, since it was loaded; it need not stand there any more. */
  async hears(words: string): Promise<void> {
    const isTold = `[...globalThis.told].some((text) => text.includes(${JSON.stringify(words)}))`
    await until(() => this.page.evaluate(isTold) as Promise<boolean>, `the page never told "${words}"`)
  }

  /** @throws {AssertionError} the browser refused the page something, or it asked another host */
  assertClean(base: string): void {
    assert.deepEqual(this.faults, [])
    const elsewhere = this.urls.filter((url) => !url.startsWith(`${base}/`) && !url.startsWith(`blob:${base}/`))
    assert.deepEqual(elsewhere, [])
  }

  /** After the browser has ended, its contexts would be waited for in vain. */
  async close(): Promise<void> {
    if (typeof launched !== 'string' && launched.isConnected()) await this.page.context().close()
  }
}
