// Lists as options and the environment have them: words, and networks that may be connected to.
import { CliError } from '../exit.ts'

export const listOf = (text: string): readonly string[] => text.split(',').map(part => part.trim()).filter(part => part !== '')

/** @throws CliError */
export const networks = (text: string): readonly string[] => {
  const list = listOf(text)
  const wrong = list.find(network => !/^[0-9a-fA-F.:]+(\/\d{1,3})?$/.test(network))
  if (wrong !== undefined) throw new CliError('usage', `${JSON.stringify(wrong)} is not an address or a network like 10.0.0.0/8`)
  return list
}
