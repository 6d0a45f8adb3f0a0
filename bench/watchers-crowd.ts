// The watchers of the bench `watchers`: as many streams as it is told, read and forgotten. Answers with the octets read so far.

import { once } from 'node:events'
import { type ClientRequest, get, type IncomingMessage } from 'node:http'

const [url = '', token = ''] = process.argv.slice(2)
const headers = { authorization: `Bearer ${token}` }
let open: ClientRequest[] = []
let octets = 0

process.on('message', async (count: number) => {
  const ended = open.map(async (request) => {
    request.destroy()
    await once(request, 'close')
  })
  await Promise.all(ended)
  open = Array.from({ length: count }, () => get(url, { headers, agent: false }).on('error', () => {}))
  await Promise.all(open.map(watch))
  process.send?.(octets)
})

async function watch(request: ClientRequest): Promise<void> {
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`no stream: ${response.statusCode}`)
  response.on('data', (chunk: Buffer) => {
    octets += chunk.length
  })
  response.on('error', () => {})
}
