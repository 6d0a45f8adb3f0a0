// Flow: each authentication as it happens, step by step, with those of before beside it. `/flow/ID` plays one of them again.
import type { JSX } from 'preact'
import { useCallback, useEffect } from 'preact/hooks'
import { session } from '../api/session.ts'
import { streamState } from '../api/stream.ts'
import type { Authentication } from '../api/types.ts'
import { type Filter, useAuthentications } from '../live/authentications.ts'
import { usePlayer } from '../live/player.ts'
import { useResource } from '../live/resource.ts'
import { go, search } from '../live/router.ts'
import { rowsOf } from '../logic/authentication.ts'
import { formatMs, shortName } from '../logic/format.ts'
import { isAtEnd, lengthOf, type Player } from '../logic/player.ts'
import { Button, Card, Copy, Empty, Facts, Heading, Name, Problem, Time } from '../parts/basics.tsx'
import { Diagram } from '../parts/diagram.tsx'
import { Choice, Narrowed, Waiting } from '../parts/list.tsx'
import { CaseBadge, GatewayLink, PneLink, ReasonWords, ResultBadge } from '../parts/words.tsx'

export function Flow({ id }: { id: string | undefined }): JSX.Element {
  const { player, act } = usePlayer()
  const filter = useFilter()
  const arrive = useCallback(
    (authentication: Authentication) => act({ do: 'arrive', authentication, now: performance.now() }),
    [act],
  )
  const newest = useAuthentications(filter, arrive)
  const first = newest.items[0]
  const isLive = id === undefined
  useEffect(() => {
    if (isLive) act({ do: 'live' })
  }, [isLive, act])
  useEffect(() => {
    if (isLive && first && player.shown === undefined && first.complete) act({ do: 'show', authentication: first })
  }, [isLive, first, player.shown, act])
  return (
    <>
      <Heading
        title="Flow"
        intro="How PNE, PN GW and CPNS Server authenticate each other: each authentication as it happens, in slow motion."
      >
        {isLive ? (
          streamState.value.is === 'live' && <span class="live">live</span>
        ) : (
          <Button icon="play" onClick={() => go(`/flow${location.search}`)}>
            Back to live
          </Button>
        )}
      </Heading>
      {id !== undefined && <Replay id={id} onFound={act} />}
      <div class="flow">
        <Stage player={player} act={act} isWaiting={newest.isLoading} />
        <Recent newest={newest} shown={player.shown?.id} />
      </div>
    </>
  )
}

function useFilter(): Filter {
  const value = (name: string) => search.value.get(name) ?? ''
  return { result: value('result'), case: value('case'), pne: value('pne'), gateway: value('gateway') }
}

type Act = ReturnType<typeof usePlayer>['act']

/** Finds the one that the path names, and plays it. */
function Replay({ id, onFound }: { id: string; onFound: Act }): JSX.Element | null {
  const { data, problem, reload } = useResource<Authentication>(`/v1/authentications/${encodeURIComponent(id)}`)
  const found = data?.id
  // Read again, it is still the same authentication.
  useEffect(() => {
    if (data) onFound({ do: 'open', authentication: data })
  }, [found, onFound])
  return problem ? <Problem of={problem} onRetry={reload} /> : null
}

function Stage({ player, act, isWaiting }: { player: Player; act: Act; isWaiting: boolean }): JSX.Element {
  const { shown, position, mode } = player
  if (shown === undefined) {
    return (
      <section class="card stage" aria-label="Diagram">
        {isWaiting ? <Waiting /> : <Nothing />}
      </section>
    )
  }
  return (
    <section class="card stage" aria-label="Diagram">
      <div class="player" data-player>
        <Controls player={player} act={act} />
        <Diagram of={shown} position={position} label={inWords(shown)} realm={session.value?.realm ?? ''} />
        <p class="hidden" aria-live={mode === 'replay' ? 'polite' : 'off'}>
          {isAtEnd(player) ? inWords(shown) : ''}
        </p>
      </div>
      <Details of={shown} />
      <AsTable of={shown} />
    </section>
  )
}

function Controls({ player, act }: { player: Player; act: Act }): JSX.Element {
  const { isPlaying, position, queue, passedOver } = player
  const steps = lengthOf(player) - 1
  const waiting = queue.length === 0 ? '' : `${queue.length} waiting`
  const skipped = passedOver === 0 ? '' : `${passedOver} passed over`
  return (
    <fieldset class="controls">
      <legend class="hidden">Player</legend>
      <Button kind="quiet" icon="restart" label="From the beginning (Home)" onClick={() => act({ do: 'restart' })} />
      <Button
        kind="quiet"
        icon="back"
        label="One step back (left arrow)"
        isDisabled={position === 0}
        onClick={() => act({ do: 'back' })}
      />
      <Button
        kind="quiet"
        icon={isPlaying ? 'pause' : 'play'}
        label={isPlaying ? 'Pause (space)' : 'Play (space)'}
        onClick={() => act({ do: 'toggle' })}
      />
      <Button
        kind="quiet"
        icon="forward"
        label="One step on (right arrow)"
        isDisabled={isAtEnd(player)}
        onClick={() => act({ do: 'forward' })}
      />
      <span class="place">
        {Math.min(position, steps)} of {steps}
      </span>
      <span class="queue">{[waiting, skipped].filter(Boolean).join(', ')}</span>
    </fieldset>
  )
}

function Details({ of }: { of: Authentication }): JSX.Element {
  const facts = [
    ['Device', <PneLink key="pne" id={of.pne} name={of.pneName} />],
    ['Gateway', <GatewayLink key="gateway" identity={of.gateway} />],
    ['Case', <CaseBadge key="case" of={of.case} />],
    ['Result', <ResultBadge key="result" of={of} />],
    ['Key of the session', of.key ?? '–'],
    ['In all', formatMs(of.ms)],
    ['Round trips to the server', of.serverRoundTrips ?? '–'],
    ['When', <Time key="at" at={of.at} />],
  ] as const
  return (
    <>
      {of.reason !== null && (
        <p class="why">
          <ReasonWords code={of.reason} hasAdvice />
        </p>
      )}
      <Facts of={facts} />
      {!of.complete && <p class="hint">Only one of gateway and server has told its part of this one.</p>}
    </>
  )
}

/** The diagram for those who do not see it, or want to copy it. */
function AsTable({ of }: { of: Authentication }): JSX.Element {
  return (
    <details class="as-table">
      <summary>As a table</summary>
      <table>
        <caption class="hidden">{inWords(of)}</caption>
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">What</th>
            <th scope="col" class="number">
              Time
            </th>
          </tr>
        </thead>
        <tbody>
          {rowsOf(of).map((row) => (
            <tr key={row.number}>
              <th scope="row">{row.number}</th>
              <td>{row.from}</td>
              <td>{row.to}</td>
              <td>
                {[row.label, row.detail && `, ${row.detail}`, row.key && ` ${row.key}`].filter(Boolean).join('')}
                {stateWords[row.state] && <span class="advice"> {stateWords[row.state]}</span>}
              </td>
              <td class="number">{formatMs(row.ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}

const stateWords = {
  done: '',
  stopped: 'refused here',
  missed: 'did not happen',
  untold: 'not told',
  skipped: '',
} as const

function Recent({
  newest,
  shown,
}: {
  newest: ReturnType<typeof useAuthentications>
  shown: number | undefined
}): JSX.Element {
  return (
    <Card title="Recent">
      <div class="filters">
        <Choice
          name="result"
          label="Result"
          options={[
            ['', 'all'],
            ['accepted', 'accepted'],
            ['refused', 'refused'],
          ]}
        />
        <Choice
          name="case"
          label="Case"
          options={[
            ['', 'all'],
            ['local', 'local'],
            ['remote', 'remote'],
          ]}
        />
        <Narrowed name="pne" label="device" />
        <Narrowed name="gateway" label="gateway" />
      </div>
      <Problem of={newest.problem} />
      {newest.items.length === 0 && !newest.isLoading && <p class="hint">None yet.</p>}
      <ol class="recent">
        {newest.items.map((one) => (
          <li key={one.id}>
            <a href={`/flow/${one.id}${location.search}`} aria-current={one.id === shown || undefined}>
              <span class={`dot ${one.result} ${one.case ?? ''}`} />
              <span class="who">
                <Name of={one.pneName ?? one.pne} or="unknown device" />
              </span>
              <span class="what">
                at <bdi>{shortName(one.gateway)}</bdi>, {one.case && `${one.case}, `}
                {one.reason === null ? one.result : <ReasonWords code={one.reason} />}
              </span>
              <span class="when">
                {formatMs(one.ms)}
                <br />
                <Time at={one.at} />
              </span>
            </a>
          </li>
        ))}
      </ol>
    </Card>
  )
}

/** Nobody has come yet: how to make it happen. */
function Nothing(): JSX.Element {
  return (
    <Empty title="Nothing has been authenticated yet">
      <p>Pair a device with a gateway, then let it connect. Each authentication plays here as it happens.</p>
      <Copy
        text="opencpns pne connect 127.0.0.1:7411 --credential watch.json"
        label="Copy the command that connects a device"
      />
      <p>
        <a href="/pair">Pair a device</a>
      </p>
    </Empty>
  )
}

function inWords(of: Authentication): string {
  const who = `Authentication of ${of.pneName ?? of.pne ?? 'an unknown device'} at ${shortName(of.gateway)}`
  const ended = of.result === 'accepted' ? `accepted in ${formatMs(of.ms)}` : 'refused'
  return `${who}: ${of.case ?? 'no'} case, ${ended}${of.stoppedAt === null ? '' : ` at step ${of.stoppedAt}`}`
}
