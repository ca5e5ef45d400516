// Markdown of somebody else: read into tokens, and shown as elements of ours. No text of it ever becomes markup.
import type { Token, Tokens } from 'marked'
import type { ComponentChildren } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { visible } from '../../lib/identity/fence.ts'
import { tokensOf } from './markdown-tokens.ts'
import { t } from '../text/index.ts'

/** What is read as Markdown at all, how deep it goes, and how many elements it becomes: beyond, it is text. */
const maxChars = 20_000
const maxDepth = 12
const maxElements = 2_000
/** Lines of a message that are shown at once. */
const maxLines = 40

interface Budget {
  left: number
}

/** Where a link leads, if a person may follow it: to a page. */
export const pageOf = (href: string): URL | undefined => {
  if (!/^https?:\/\//i.test(href) || !URL.canParse(href)) return undefined
  const url = new URL(href)
  // Whoever writes a name before the host means to be taken for another.
  return url.username === '' && url.password === '' ? url : undefined
}

/** A link to elsewhere, which shows where it leads. */
export const Away = ({ url, children }: { readonly url: URL, readonly children: ComponentChildren }) => (
  <a class='away' href={url.href} target='_blank' rel='noopener noreferrer nofollow' title={url.href}>
    {children} <span class='host'>[{url.host}]</span>
  </a>
)

/** It is fetched when the visitor wants it: before, its owner learns nothing of him. */
const Picture = ({ href, text }: { readonly href: string, readonly text: string }) => {
  const [isShown, show] = useState(false)
  const url = pageOf(href)
  if (url === undefined) return <span>{visible(text)}</span>
  // What is elsewhere is not shown here: the page loads nothing from other hosts.
  if (url.origin !== location.origin) return <Away url={url}>{t.value.chat.picture(visible(text).slice(0, 80))}</Away>
  return isShown
    ? <img src={url.href} alt={visible(text)} referrerpolicy='no-referrer' />
    : <button type='button' class='quiet' onClick={() => show(true)}>{t.value.chat.showPicture(url.host)}</button>
}

const all = (tokens: readonly Token[] | undefined, depth: number, budget: Budget): ComponentChildren =>
  tokens?.map((token, i) => <One key={i} token={token} depth={depth + 1} budget={budget} />)

const One = ({ token, depth, budget }: { readonly token: Token, readonly depth: number, readonly budget: Budget }) => {
  const raw = <>{visible(token.raw)}</>
  if (depth > maxDepth || --budget.left < 0) return raw
  const inner = () => all((token as Tokens.Generic).tokens, depth, budget)
  switch (token.type) {
    case 'space':
      return null
    case 'paragraph':
      return <p>{inner()}</p>
    case 'heading':
      // The headings of a page are the page's own.
      return <p class='heading'>{inner()}</p>
    case 'strong':
      return <strong>{inner()}</strong>
    case 'em':
      return <em>{inner()}</em>
    case 'del':
      return <del>{inner()}</del>
    case 'codespan':
      return <code>{visible((token as Tokens.Codespan).text)}</code>
    case 'code':
      return <pre><code>{visible((token as Tokens.Code).text)}</code></pre>
    case 'blockquote':
      return <blockquote>{inner()}</blockquote>
    case 'br':
      return <br />
    case 'hr':
      return <hr />
    case 'list': {
      const { ordered, items, start } = token as Tokens.List
      const entries = items.map((item, i) => <li key={i}>{all(item.tokens, depth, budget)}</li>)
      return ordered ? <ol start={typeof start === 'number' ? start : 1}>{entries}</ol> : <ul>{entries}</ul>
    }
    case 'link': {
      const url = pageOf((token as Tokens.Link).href)
      return url === undefined ? raw : <Away url={url}>{inner()}</Away>
    }
    case 'image':
      return <Picture href={(token as Tokens.Image).href} text={(token as Tokens.Image).text} />
    case 'escape':
      return <>{visible((token as Tokens.Escape).text)}</>
    case 'text':
      return 'tokens' in token && token.tokens !== undefined ? <>{inner()}</> : <>{visible((token as Tokens.Text).text)}</>
    // HTML, tables and whatever comes later are shown as they were written.
    default:
      return token.type === 'html' || token.type === 'def' || token.type === 'table'
        ? <span class='raw'>{visible(token.raw)}</span>
        : raw
  }
}

/** A text of somebody else; long ones are cut, with a button for the rest. */
export const Markdown = ({ text, maxShown = 4_000 }: { readonly text: string, readonly maxShown?: number }) => {
  const [isWhole, showAll] = useState(false)
  const end = endOf(text, maxShown)
  const isCut = end < text.length && !isWhole
  const shown = isCut ? text.slice(0, end).replace(/[\ud800-\udbff]$/, '') : text
  // Read once, however often what is around it is drawn.
  const said = useMemo(
    () => shown.length > maxChars ? <p class='raw'>{visible(shown)}</p> : <>{all(tokensOf(shown), 0, { left: maxElements })}</>,
    [shown],
  )
  return (
    <div class='said' dir='auto'>
      {said}
      {isCut && (
        <button type='button' class='quiet more' onClick={() => showAll(true)}>{t.value.chat.showAll(text.length - shown.length)}</button>
      )}
    </div>
  )
}

/** Where it is cut: behind so many characters, or lines. */
const endOf = (text: string, maxShown: number): number => {
  let end = 0
  for (let lines = 0; lines < maxLines; lines++) {
    const next = text.indexOf('\n', end)
    if (next === -1 || next >= maxShown) return Math.min(text.length, maxShown)
    end = next + 1
  }
  return end
}
