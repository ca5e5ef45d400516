// @ts-check
// Runs a peer that is written in JavaScript: `node serve.mjs NAME`.
import { peers } from './index.mjs'

peers.find(({ name }) => name === process.argv[2])?.serve?.()
