// What an operator does at the admin API of a stage, and sees there.

import { request } from 'node:http'
import { json } from 'node:stream/consumers'
import { readGatewayStatus } from '@opencpns/gateway'
import { readAdminAccess } from '@opencpns/server'
import type { Stage } from '../support/stage.ts'
import { until } from '../support/until.ts'

// biome-ignore lint/suspicious/noExplicitAny: documents from outside, whose shape is what the tests are about
export type Answer = any

/** Asks the admin API; rejects unless it says yes. */
export async function operate(stage: Stage, method: string, path: string, body?: object): Promise<Answer> {
  const { url, token } = await readAdminAccess(stage.path('server'))
  const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) }
  return new Promise((resolve, reject) => {
    const asked = request(`${url}${path}`, { method, headers, agent: false }, (response) => {
      const { statusCode = 0 } = response
      const settle = (document: unknown) =>
        statusCode < 300 ? resolve(document) : reject(new Error(`${path}: ${statusCode} ${JSON.stringify(document)}`))
      json(response).then(settle, reject)
    })
    asked.on('error', reject).end(body && JSON.stringify(body))
  })
}

/** Whether a gateway takes visitors; resolves when the gateway holds to it. */
export async function setVisitors(stage: Stage, gateway: string, visitors: boolean): Promise<void> {
  await operate(stage, 'PATCH', `/v1/gateways/${gateway}`, { visitors })
  await until(async () => (await readGatewayStatus(stage.path(gateway))).policy.visitors === visitors)
}

/** Session ids of the presence sessions that the server knows of, by PNE id. */
export async function registered(stage: Stage, gateway: string): Promise<Record<string, string>> {
  const { items } = await operate(stage, 'GET', `/v1/pns/${gateway}?limit=1000`)
  return Object.fromEntries(items.map(({ pne, session }: Record<string, string>) => [pne, session]))
}

/** Why the server refused authentications, newest first; a gateway, which tells of its own refusals too, has other words. */
export async function refusals(stage: Stage): Promise<string[]> {
  const { items } = await operate(stage, 'GET', '/v1/events?type=authentication&limit=1000')
  const refused = items.filter(({ result }: Answer) => result === 'refused').map(({ reason }: Answer) => reason)
  return refused.filter((reason: string) => reason === reason.toUpperCase())
}
