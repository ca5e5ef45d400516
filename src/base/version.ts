// The version in package.json, wherever this file runs from: the source tree or dist/.
import { readFileSync } from 'node:fs'

const read = (url: URL): string | undefined => {
  try {
    const { name, version } = JSON.parse(readFileSync(url, 'utf8')) as { name?: string, version?: string }
    return name === 'agentchat' ? version : undefined
  } catch {
    return undefined
  }
}

export const version: string = read(new URL('../../package.json', import.meta.url))
  ?? read(new URL('../../../package.json', import.meta.url)) ?? '0.0.0'
