// Pair: a gateway is chosen, it makes a one-time ticket, and the page shows it until a device has taken it up.
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { ask, get } from '../api/client.ts'
import { may } from '../api/session.ts'
import { listen } from '../api/stream.ts'
import type { Gateway, PneDetails, Ticket, TicketState } from '../api/types.ts'
import { clock } from '../live/clock.ts'
import { useChanges, usePages, useResource } from '../live/resource.ts'
import { search } from '../live/router.ts'
import { countdown, shortName } from '../logic/format.ts'
import { Button, Card, Copy, Empty, Heading, Name, Problem } from '../parts/basics.tsx'
import { useAct } from '../parts/dialog.tsx'
import { Field, Form } from '../parts/form.tsx'
import { Icon } from '../parts/icons.tsx'
import { PagedTable, Pending, Search } from '../parts/list.tsx'
import { QrCode } from '../parts/qr.tsx'
import { GatewayState, UserLink } from '../parts/words.tsx'

export function ChooseGateway(): JSX.Element {
  const q = search.value.get('q') ?? ''
  const gateways = usePages<Gateway>('/v1/gateways', { q, kind: 'cpns', state: 'active' })
  useChanges(['gateways', 'changes'], gateways.reload)
  return (
    <>
      <Heading title="Pair a PNE" intro="Which gateway shall pair it? At that one it will be at home." />
      <search class="filters">
        <Search label="Search by name" />
      </search>
      <PagedTable
        caption="Gateways that can pair a PNE"
        of={gateways}
        keyOf={({ identity }) => identity}
        empty={
          <Empty title={q === '' ? 'There is no gateway yet' : 'No gateway is called that'}>
            <Copy
              text="opencpns admin gateway add home-gw --user alice --out home-gw.json --data ./server"
              label="Copy the command that adds a gateway"
            />
          </Empty>
        }
        columns={[
          {
            title: 'Gateway',
            of: ({ identity }) => (
              <a href={`/pair/${encodeURIComponent(shortName(identity))}`}>{shortName(identity)}</a>
            ),
          },
          { title: 'Link', of: (gateway) => <GatewayState of={gateway} /> },
          { title: 'User', of: ({ user }) => <UserLink name={user} />, isWide: true },
        ]}
      />
    </>
  )
}

export function Pair({ name }: { name: string }): JSX.Element {
  const path = `/v1/gateways/${encodeURIComponent(name)}`
  const gateway = useResource<Gateway>(path)
  useChanges(['gateways'], gateway.reload)
  const ticket = useSignal<Ticket | undefined>(undefined)
  const again = () => {
    ticket.value = undefined
  }
  return (
    <>
      <Heading
        title={
          <>
            Pair a PNE at <bdi>{name}</bdi>
          </>
        }
        above={{ path: '/pair', title: 'Pair' }}
      />
      {!may('operator') && <Empty title="Your token may look, but not pair" />}
      {may('operator') && gateway.data === undefined && <Pending of={gateway} />}
      {may('operator') && gateway.data && (
        <Card title={ticket.value ? 'Ticket' : 'A new ticket'}>
          {ticket.value ? (
            <Open of={ticket.value} path={path} onAgain={again} />
          ) : (
            <Asking
              path={path}
              isConnected={gateway.data.connected === true}
              onMade={(made) => {
                ticket.value = made
              }}
            />
          )}
        </Card>
      )}
    </>
  )
}

function Asking(of: { path: string; isConnected: boolean; onMade: (ticket: Ticket) => void }): JSX.Element {
  const name = useSignal('')
  const { isBusy, problem, run } = useAct()
  const submit = () =>
    run(async () => {
      const body = name.value.trim() === '' ? {} : { name: name.value.trim() }
      of.onMade((await ask<Ticket>('POST', `${of.path}/tickets`, { body })).data)
    })
  return (
    <Form onSubmit={submit}>
      <Field
        label="Name of the device"
        value={name}
        hint="As it is called in lists: watch, kitchen lamp."
        isOptional
        maxLength={64}
      />
      {!of.isConnected && <p class="problem">The gateway is not connected now: it can make a ticket once it is.</p>}
      <Problem of={problem} />
      <Button type="submit" kind="main" icon="pair" isBusy={isBusy}>
        Make ticket
      </Button>
    </Form>
  )
}

const POLL_MS = 4000

/** Watches the ticket by the stream, and asks from time to time in case that the stream missed it. */
function useTicket(of: Ticket, path: string): { state: TicketState['state']; pne: PneDetails | undefined } {
  const state = useSignal<TicketState['state']>('open')
  const pne = useSignal<PneDetails | undefined>(undefined)
  useEffect(() => {
    const stop = new AbortController()
    const look = async () => {
      const found = await get<TicketState>(`${path}/tickets/${encodeURIComponent(of.ticket)}`, stop.signal)
      if (found.state === 'used' && found.pne !== null) {
        pne.value = await get<PneDetails>(`/v1/pnes/${encodeURIComponent(found.pne)}`, stop.signal)
      }
      state.value = found.state
      if (found.state !== 'open') stop.abort()
    }
    // What goes wrong now is asked again soon.
    const lookSoon = () => void look().catch(() => {})
    const unlisten = listen('changes', (change) => {
      if (change.ticket === of.ticket && change.type === 'confirmation') lookSoon()
    })
    const timer = setInterval(lookSoon, POLL_MS)
    stop.signal.addEventListener('abort', () => clearInterval(timer))
    return () => {
      unlisten()
      stop.abort()
    }
  }, [of.ticket, path, state, pne])
  return { state: state.value, pne: pne.value }
}

function Open({ of, path, onAgain }: { of: Ticket; path: string; onAgain: () => void }): JSX.Element {
  const { state, pne } = useTicket(of, path)
  const left = Date.parse(of.expires) - clock.value
  const isOver = state === 'expired' || (state === 'open' && left <= 0)
  return (
    <div class="ticket">
      <div role="status" class="ticket-state">
        {state === 'used' && <Paired pne={pne} />}
        {isOver && <p class="problem">The ticket has expired, unused.</p>}
      </div>
      {state === 'open' && !isOver && (
        <>
          <QrCode text={of.uri} label="QR code of the ticket; the same as the URI below" />
          <div class="ticket-words">
            <p>Scan it with the device, or give it the URI. It serves one device, once.</p>
            <Copy text={of.uri} label="Copy the URI" />
            <p>On a device with the command line:</p>
            <Copy
              text={`opencpns pne pair '${of.uri}' --credential device.json`}
              label="Copy the command that pairs a device"
              what="opencpns pne pair '…' --credential device.json"
            />
            <p class="countdown">
              <span role="timer" aria-label="Time that is left">
                {countdown(left)}
              </span>{' '}
              left. The page tells as soon as the device is paired.
            </p>
          </div>
        </>
      )}
      {(state !== 'open' || isOver) && <Again onAgain={onAgain} />}
    </div>
  )
}

function Again({ onAgain }: { onAgain: () => void }): JSX.Element {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => place.current?.querySelector('button')?.focus(), [])
  return (
    <div ref={place}>
      <Button kind="main" icon="pair" onClick={onAgain}>
        Make another ticket
      </Button>
    </div>
  )
}

function Paired({ pne }: { pne: PneDetails | undefined }): JSX.Element {
  return (
    <div class="paired">
      <Icon name="tick" />
      <p>
        {pne ? (
          <>
            <a href={`/pnes/${encodeURIComponent(pne.id)}`}>
              <Name of={pne.name} or={pne.id} />
            </a>{' '}
            is paired.
          </>
        ) : (
          'The device is paired.'
        )}
      </p>
    </div>
  )
}
