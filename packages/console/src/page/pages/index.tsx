// Which page is at which path.
import type { JSX } from 'preact'
import type { Place } from '../../places.ts'
import { Empty, Heading } from '../parts/basics.tsx'
import { Audit } from './audit.tsx'
import { Flow } from './flow.tsx'
import { GatewayPage, Gateways } from './gateways.tsx'
import { NetworkPage, Networks } from './networks.tsx'
import { Overview } from './overview.tsx'
import { ChooseGateway, Pair } from './pair.tsx'
import { PnePage, Pnes } from './pnes.tsx'
import { Tokens } from './tokens.tsx'
import { UserPage, Users } from './users.tsx'

interface PageAt {
  readonly title: string
  readonly page: JSX.Element
}

/** One page for each first part of a path; the second names one thing of that kind. */
const pages: Readonly<Record<Place, (id: string | undefined) => PageAt>> = {
  '': (id) => (id === undefined ? { title: 'Overview', page: <Overview /> } : unknown),
  flow: (id) => ({ title: 'Flow', page: <Flow id={id} /> }),
  pair: (id) => ({ title: 'Pair', page: id === undefined ? <ChooseGateway /> : <Pair key={id} name={id} /> }),
  pnes: (id) => ({ title: 'PNEs', page: id === undefined ? <Pnes /> : <PnePage key={id} id={id} /> }),
  gateways: (id) => ({ title: 'Gateways', page: id === undefined ? <Gateways /> : <GatewayPage key={id} name={id} /> }),
  users: (id) => ({ title: 'Users', page: id === undefined ? <Users /> : <UserPage key={id} name={id} /> }),
  networks: (id) => ({
    title: 'Personal networks',
    page: id === undefined ? <Networks /> : <NetworkPage key={id} name={id} />,
  }),
  audit: (id) => (id === undefined ? { title: 'Audit', page: <Audit /> } : unknown),
  tokens: (id) => (id === undefined ? { title: 'Tokens', page: <Tokens /> } : unknown),
}

const unknown: PageAt = {
  title: 'Not found',
  page: (
    <>
      <Heading title="There is nothing here" />
      <Empty title="This path leads nowhere">
        <p>
          <a href="/">To the overview</a>
        </p>
      </Empty>
    </>
  ),
}

export function pageAt(path: string): PageAt {
  const [first = '', second, ...more] = path.slice(1).split('/')
  const make = Object.hasOwn(pages, first) && more.length === 0 ? pages[first as Place] : undefined
  const id = decode(second)
  return make === undefined || id === null ? unknown : make(id)
}

/** null: not a part of a path. */
function decode(part: string | undefined): string | undefined | null {
  if (part === undefined || part === '') return undefined
  try {
    return decodeURIComponent(part)
  } catch {
    return null
  }
}
