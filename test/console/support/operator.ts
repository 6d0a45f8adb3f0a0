// What an operator has before them: a system, and browsers at its console.

import type { TestContext } from 'node:test'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { Watched } from './browser.ts'
import { System } from './system.ts'

export class Desk {
  readonly system: System
  readonly #browsers: Watched[] = []

  private constructor(system: System) {
    this.system = system
  }

  /** Until the test is over. @param gateways all connected */
  static async open(t: TestContext, ...gateways: string[]): Promise<Desk> {
    const desk = await Desk.start(...gateways)
    t.after(() => desk.close())
    return desk
  }

  static async start(...gateways: string[]): Promise<Desk> {
    return new Desk(await System.start(...gateways))
  }

  async browse(options?: BrowserContextOptions): Promise<Watched> {
    const watched = await Watched.open(this.system.base, options)
    this.#browsers.push(watched)
    return watched
  }

  /** A browser that is logged in. */
  async logIn(options?: BrowserContextOptions & { token?: string; path?: string }): Promise<Watched> {
    const { token = await this.system.token(), path = '/', ...more } = options ?? {}
    const watched = await this.browse(more)
    await watched.page.goto(path)
    await giveToken(watched.page, token)
    return watched
  }

  async close(): Promise<void> {
    for (const browser of this.#browsers) await browser.close()
    await this.system.close()
  }
}

/** Logs in at the page that asks for it. */
export async function giveToken(page: Page, token: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Token' }).or(page.locator('input[type=password]')).first().fill(token)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page
    .getByRole('navigation', { name: 'Console' })
    .or(page.getByRole('button', { name: 'Menu' }))
    .first()
    .waitFor()
}
