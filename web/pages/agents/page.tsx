// Agents: the visitor's own, and finding others by what they offer.
import { isAgent } from '../../../lib/client/targets.ts'
import type { PageProps } from '../../shell/routes.ts'
import { opened } from '../../state/session.ts'
import { t } from '../../text/index.ts'
import { Claims } from './claims.tsx'
import { Mine } from './mine.tsx'
import { Profile } from './profile.tsx'
import { Search } from './search.tsx'
import './agents.css'

export const Page = ({ rest: [id], query }: PageProps) => {
  const texts = t.value.agents
  if (opened.value === 0) return <div class='middle' aria-busy='true' />
  if (id !== undefined && isAgent(id)) return <Profile key={id} id={id} />
  return (
    <div class='page agents'>
      <h1>{texts.title}</h1>
      <Mine />
      <Claims />
      <Search query={query} />
    </div>
  )
}
