// The pictures of the console in docs/images, from a real system: a server, gateways and devices that come and go for a while.
// `npm run screenshots`; takes two to three minutes.

import { mkdirSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseHostPort } from '@opencpns/io'
import { type Credential, connect, readCredential, type Session } from '@opencpns/pne'
import type { Browser, Locator, Page } from 'playwright-core'
import { launch } from '../test/console/support/chromium.ts'
import { System } from '../test/console/support/system.ts'
import { until } from '../test/support/until.ts'

const IMAGES = fileURLToPath(new URL('../docs/images/', import.meta.url))
const MAX_OCTETS = 150 * 1024
const TRAFFIC_MS = 100_000
const DEVICES = ['watch', 'kitchen lamp', 'front door camera', 'car kit', 'thermostat', 'bicycle lock']
const GATEWAYS = ['home-gw', 'hotel-gw', 'office-gw']

const browser = await launch()
if (typeof browser === 'string') throw new Error(browser)
const system = await System.start(...GATEWAYS)
try {
  const devices = await makeDevices()
  const present = await settle(devices)
  await makeTraffic(devices)
  mkdirSync(IMAGES, { recursive: true })
  for (const scheme of ['light', 'dark'] as const) await photograph(browser, scheme)
  for (const session of present) await session.close()
} finally {
  await browser.close()
  await system.close()
}

/** Paired at home; the last of them is revoked in the end. */
async function makeDevices(): Promise<Credential[]> {
  const devices: Credential[] = []
  for (const [at, name] of DEVICES.entries()) {
    await system.pair(name, 'home-gw', `device-${at}.json`)
    devices.push(await readCredential(system.town.path(`device-${at}.json`)))
  }
  return devices
}

/** Some devices are present, one may not roam any more, and there are people and programs that operate it all. */
async function settle(devices: readonly Credential[]): Promise<Session[]> {
  await system.ask('PATCH', '/v1/gateways/office-gw', { visitors: false })
  await system.ask('POST', `/v1/pnes/${devices.at(-1)?.pneId}/revoke`, {})
  await system.makeToken('maria', 'operator')
  await system.makeToken('grafana', 'viewer')
  const places = ['home-gw', 'home-gw', 'hotel-gw', 'home-gw']
  return Promise.all(places.map((gateway, at) => come(devices[at], gateway)))
}

function come(credential: Credential | undefined, gateway: string): Promise<Session> {
  if (!credential) throw new Error('no such device')
  return connect({ ...parseHostPort(system.gatewayAddress(gateway)), credential })
}

/** Devices come in waves; some where they may not. */
async function makeTraffic(devices: readonly Credential[]): Promise<void> {
  const end = performance.now() + TRAFFIC_MS
  for (let round = 0; performance.now() < end; round++) {
    const isRevoked = round % 9 === 4
    const isVisitor = round % 13 === 6
    const gateway = isVisitor ? 'office-gw' : isRevoked ? 'hotel-gw' : GATEWAYS[round % 2]
    const credential = devices[isRevoked ? devices.length - 1 : 3 + (round % 2)]
    await come(credential, gateway ?? '').then(
      (session) => session.close(),
      () => undefined,
    )
    await sleep(120 + 110 * Math.sin(performance.now() / 7000))
  }
}

async function photograph(of: Browser, colorScheme: 'light' | 'dark'): Promise<void> {
  const context = await of.newContext({ baseURL: system.base, colorScheme, viewport: { width: 1320, height: 800 } })
  const page = await context.newPage()
  await page.goto('/')
  await page.locator('input[type=password]').fill(await system.token())
  await page.keyboard.press('Enter')
  await page.getByRole('img', { name: /Authentications a second/ }).waitFor()
  await sleep(1500)
  await save(page, `console-overview-${colorScheme}`)
  for (const result of ['accepted', 'refused']) {
    await page.goto(`/flow/${await remoteOne(result)}`)
    await page.locator('svg .end').waitFor({ timeout: 20_000 })
    await save(page.locator('.stage'), `console-flow-${result}-${colorScheme}`)
  }
  await makeTicket(page)
  await save(page, `console-pair-${colorScheme}`)
  await context.close()
}

/** One that all three parties took part in. */
async function remoteOne(result: string): Promise<number> {
  const { items } = await system.get(`/v1/authentications?result=${result}&case=remote&limit=50`)
  return items.find(
    (one: { complete: boolean; key: string | null }) => one.complete && one.key !== 'transient key, held',
  ).id
}

async function makeTicket(page: Page): Promise<void> {
  await page.goto('/pair/home-gw')
  await page.getByRole('textbox', { name: 'Name of the device' }).fill('weather station')
  await page.getByRole('button', { name: 'Make ticket' }).click()
  await until(async () => ((await page.locator('.qr-modules').getAttribute('d')) ?? '') !== '')
}

async function save(page: Page | Locator, name: string): Promise<void> {
  const path = `${IMAGES}${name}.png`
  await page.screenshot({ path, animations: 'disabled' })
  if (statSync(path).size > MAX_OCTETS) throw new Error(`${name}.png is larger than ${MAX_OCTETS} octets`)
}
