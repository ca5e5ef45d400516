// Where the operator of the relay leads people to: help, terms, whoever answers.
import { brand } from '../state/brand.ts'
import { plain } from './visible-text.tsx'

export const BrandLinks = () =>
  brand.links.length === 0 ? null : (
    <p class='actions'>
      {brand.links.map(({ label, url }) => <a key={url} href={url} target='_blank' rel='noopener noreferrer'>{plain(label)}</a>)}
    </p>
  )
