// Once for a run of all tests: the server of NATS that those of several nodes need.
import { absenceOf, install, pathOf, type Program } from './debian.ts'

const natsServer: Program = { names: ['nats-server'], package: 'nats-server', variable: 'NATS_SERVER', use: 'The tests of several nodes' }

/** Why there is none; undefined: there is one. */
export const noNats: string | undefined = process.env[absenceOf(natsServer)]

export const natsPath = (): string | undefined => pathOf(natsServer)

export default (): void => install(natsServer)
