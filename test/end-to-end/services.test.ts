// What people use services for, by the command line: mosquitto, curl, standard input and output. And how streams end.

import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { connect as connectTo, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { type Address, formatHostPort, listenTcp } from '@opencpns/io'
import { outcome } from '../../packages/cli/test/support.ts'
import { anyPort } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { Scene } from './scene.ts'

const run = promisify(execFile)
const heard = new Map<string, string>()
let scene: Scene
let ports: { echo: number; http: number; mqtt: number; listener: number; sleeper: number; greeter: number }
let forwarder: ChildProcess
let mqtt: Address
let sleeping: Socket | undefined

before(async () => {
  scene = await Scene.open()
  const echo = await scene.service((socket) => void socket.pipe(socket))
  const listener = await scene.service((socket) => listen('listener', socket))
  const greeter = await scene.service((socket) => {
    listen('greeter', socket)
    socket.end('greetings')
  })
  const sleeper = await scene.service((socket) => {
    sleeping = socket.pause()
  })
  const web = createHttpServer((request, response) => response.end(`you asked for ${request.url}`))
  const http = await listenTcp(web, anyPort)
  scene.stage.onClose(() => void web.close())
  mqtt = await freeAddress()
  const all = { echo, listener, greeter, sleeper, http, mqtt }
  await scene.startGateway(
    Object.entries(all)
      .map(([name, address]) => `[services.${name}]\naddress = "${formatHostPort(address)}"\n`)
      .concat(`[services.diary]\naddress = "${formatHostPort(listener)}"\nproxy-protocol = true\nusers = ["alice"]\n`)
      .concat(`[services.secret]\naddress = "${formatHostPort(listener)}"\nusers = ["bob"]\n`)
      .join(''),
  )
  const forwarded = await scene.forward('echo', 'http', 'mqtt', 'listener', 'sleeper', 'greeter', 'diary', 'secret')
  forwarder = forwarded.child
  const [e = 0, h = 0, m = 0, l = 0, s = 0, g = 0] = forwarded.ports
  ports = { echo: e, http: h, mqtt: m, listener: l, sleeper: s, greeter: g }
})
