// Ends what was started when the process that started it is gone without a word: killed, or asked to stop twice. A shell that waits for its input
// to end.
import { spawn, type ChildProcess } from 'node:child_process'

/** Lines `+ PID` and `- PID`. When there are no more: those that are left are asked to end, and made to after a while; then the folder goes. */
const script = `
all=
while read -r sign pid; do
  if [ "$sign" = + ]; then all="$all $pid"; else
    left=
    for each in $all; do [ "$each" = "$pid" ] || left="$left $each"; done
    all=$left
  fi
done
[ -z "$all" ] || { kill $all; kill -CONT $all; } 2>/dev/null
tries=0
for each in $all; do
  while kill -0 "$each" 2>/dev/null && [ $tries -lt 30 ]; do sleep 1; tries=$((tries + 1)); done
  [ $tries -lt 30 ] || kill -KILL "$each" 2>/dev/null
done
rm -rf -- "$1"
`

export class Guardian {
  readonly #process: ChildProcess
  readonly #ended: Promise<unknown>

  constructor(folder: string) {
    this.#process = spawn('/bin/sh', ['-c', script, 'agentchat-guardian', folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      cwd: '/',
    })
    this.#process.stdin!.on('error', () => undefined)
    this.#ended = new Promise(resolve => {
      this.#process.once('error', resolve)
      this.#process.once('exit', resolve)
    })
  }

  watch(pid: number): void {
    if (pid > 0) this.#process.stdin!.write(`+ ${pid}\n`)
  }

  forget(pid: number): void {
    if (pid > 0) this.#process.stdin!.write(`- ${pid}\n`)
  }

  async end(): Promise<void> {
    this.#process.stdin!.end()
    await this.#ended
  }
}
