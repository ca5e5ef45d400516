// A Dockerfile carried out without an engine: its steps run as written, in order, in a root of their own that lies over this machine's.
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Copy, DockerfileParser } from 'dockerfile-ast'
import { newFolder } from './folder.ts'
import { freePort } from './port.ts'

export interface Step {
  readonly keyword: string
  readonly text: string
  /** The stage that COPY takes from, where it does. */
  readonly from?: string
}

export interface Stage {
  readonly name: string
  readonly from: string
  readonly steps: readonly Step[]
}

const repository = join(import.meta.dirname, '../..')

export const stagesOf = (dockerfile: string): readonly Stage[] => {
  const stages: { name: string, from: string, steps: Step[] }[] = []
  for (const instruction of DockerfileParser.parse(dockerfile).getInstructions()) {
    const keyword = instruction.getKeyword()
    const text = instruction.getRawArgumentsContent() ?? ''
    if (keyword === 'FROM') {
      const [from = '', , name = `stage-${stages.length}`] = text.split(/\s+/)
      stages.push({ name, from, steps: [] })
    } else {
      stages.at(-1)?.steps.push({
        keyword,
        text,
        ...(instruction instanceof Copy && instruction.getFromFlag() !== null && { from: instruction.getFromFlag()!.getValue()! }),
      })
    }
  }
  return stages
}

/** Root, namespaces and overlays: what a run needs of the machine. */
export const canRunImages = (): boolean =>
  process.getuid?.() === 0
  && spawnSync('unshare', [
      '--mount',
      '--pid',
      '--fork',
      'sh',
      '-c',
      'mount -t tmpfs none /mnt && mkdir /mnt/u /mnt/w /mnt/m && mount -t overlay overlay -o '
      + 'lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/m',
    ], { stdio: 'ignore' }).status === 0

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
const words = (json: string): string => (JSON.parse(json) as string[]).map(quote).join(' ')

/** Names at the root of the build context: an ignore file that begins with * and lets some in again. */
const contextNames = (ignore: string): readonly string[] => {
  const [first, ...rest] = ignore.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  if (first !== '*' || rest.some(line => !/^!\.?[\w.-]+$/.test(line) && line !== '**/*.test.ts'))
    throw new Error('.dockerignore has a form that is not known here')
  return rest.filter(line => line.startsWith('!')).map(line => line.slice(1))
}

interface Built {
  readonly script: string
  readonly user: string
  readonly env: Readonly<Record<string, string>>
  readonly workdir: string
  readonly start: string
  readonly healthy: string
}

/** Shell text that builds stages up to `target` (default: the last); the root of stage NAME is $W/NAME. */
const buildScript = (stages: readonly Stage[], target: string, replace: (run: string) => string): Built => {
  const settings = new Map<string, Omit<Built, 'script'>>()
  const script: string[] = []
  for (const { name, from, steps } of stages) {
    const parent = settings.get(from)
    let now = parent ?? { user: 'root', env: {}, workdir: '/', start: '', healthy: '' }
    let entry = ''
    script.push(`layer ${name} ${parent === undefined ? '' : from}`)
    for (const { keyword, text, from: source } of steps) {
      const root = `"$W/${name}"`
      if (keyword === 'WORKDIR') {
        now = { ...now, workdir: text }
        script.push(`mkdir -p ${root}${text}`)
      } else if (keyword === 'ENV') now = { ...now, env: { ...now.env, [text.split('=')[0]!]: text.slice(text.indexOf('=') + 1) } }
      else if (keyword === 'USER') now = { ...now, user: text }
      else if (keyword === 'COPY') {
        const places = text.split(/\s+/)
        const to = `${root}${now.workdir}/${places.pop()!}`
        for (const place of places) script.push(`cp -a ${source === undefined ? `"$W/context/${place}"` : `"$W/${source}${place}"`} ${to}`)
      } else if (keyword === 'RUN') script.push(inside(name, now, `sh -c ${quote(replace(text))}`, true))
      else if (keyword === 'HEALTHCHECK') now = { ...now, healthy: words(/CMD\s+(\[.*\])$/s.exec(text)![1]!) }
      else if (keyword === 'ENTRYPOINT') entry = words(text)
      else if (keyword === 'CMD') now = { ...now, start: `${entry} ${words(text)}` }
      else if (!['VOLUME', 'EXPOSE', 'ARG', 'LABEL'].includes(keyword)) throw new Error(`${keyword} is not known here`)
    }
    settings.set(name, now)
    if (name === target) return { ...now, script: script.join('\n') }
  }
  throw new Error(`There is no stage ${target}`)
}

/** A command in the root of a stage, in the place and as the user that the stage has come to. */
const inside = (
  stage: string,
  { user, env, workdir }: Pick<Built, 'user' | 'env' | 'workdir'>,
  command: string,
  isBuild = false,
  more: readonly string[] = [],
): string => {
  const variables = [...Object.entries(env).map(([key, value]) => `${key}=${value}`), ...more].map(quote).join(' ')
  const as = user === 'root' ? '' : `setpriv --reuid=${user} --regid=${user} --init-groups --no-new-privs`
  // The proxy and registry settings of whoever builds reach the steps, as an engine lets them; a running container has only its own.
  return `${isBuild ? '' : 'env -i PATH="$PATH" HOME=/tmp '}chroot "$W/${stage}" ${as} env ${variables} sh -c ${
    quote(`cd ${workdir} && exec ${command}`)
  }`
}

/** In every root: this checkout's modules, for steps that need not fetch them. */
export const modulesPath = '/checkout-modules'

/** An engine's part: layers, a machine's devices, the base image's user. */
const prelude = (folder: string, context: readonly string[]): string => `
set -euo pipefail
export W=${quote(folder)}; mount -t tmpfs none "$W"; mkdir "$W/context"
for name in ${context.map(quote).join(' ')}; do cp -a ${quote(repository)}/"$name" "$W/context/"; done
find "$W/context" -name '*.test.ts' -delete
layer() {
  mkdir "$W/$1" "$W/$1.upper" "$W/$1.work"
  lower=/; [ -z "\${2:-}" ] || lower="$W/$2.upper:/"
  mount -t overlay overlay -o "lowerdir=$lower,upperdir=$W/$1.upper,workdir=$W/$1.work" "$W/$1"
  # The base image has this user, and nothing of this machine's own files.
  grep -q '^node:' "$W/$1/etc/passwd" || { echo node:x:1000:1000::/home/node:/bin/sh >> "$W/$1/etc/passwd"; echo node:x:1000: >> "$W/$1/etc/group"; }
  [ -n "\${2:-}" ] || for own in /app /data; do rm -rf "$W/$1$own"; mkdir "$W/$1$own"; done
  mount -t tmpfs -o mode=1777 none "$W/$1/tmp"
  mount -t proc proc "$W/$1/proc"; mount --rbind /dev "$W/$1/dev"
  mkdir -p "$W/$1${modulesPath}"; mount --bind ${quote(`${repository}/node_modules`)} "$W/$1${modulesPath}"
}
`

export interface ImageRun {
  readonly target: string
  /** Whose the volume on /data is: the image's user's, as an engine makes it, or root's. */
  readonly volumeOf: 'node' | 'root'
  /** Which have to be there. */
  readonly packages: readonly string[]
}

/**
 * What a run showed: `healthy`, `uid` and `pid` of the relay, exit codes of `check`, of importing `packages`, and of the relay when it was
 * `stopped`.
 */
export type Shown = Readonly<Record<string, number>>

/** Starts a stage on a root that cannot be written; once it is healthy, talks to it; then ends it with SIGTERM. */
const runScript = ({ target, volumeOf, packages }: ImageRun, built: Built, port: number): string => {
  const more = [`AGENTCHAT_PORT=${port}`]
  const aside = (command: string) => inside(target, { ...built, user: 'node' }, command, false, more)
  return `
mount -t tmpfs -o ${volumeOf === 'node' ? 'uid=1000,gid=1000,mode=0700' : 'uid=0,gid=0,mode=0755'} none "$W/${target}/data"
mount -o remount,ro "$W/${target}"
# In a process namespace of its own the relay is process 1, as in a container.
unshare --pid --fork --kill-child bash -c ${quote(`exec ${inside(target, built, built.start, false, more)}`)} > "$W/log" 2>&1 &
outer=$!
healthy=1
for try in $(seq 1 300); do [ -n "$(jobs -r)" ] || break; if ${aside(built.healthy)}; then healthy=0; break; fi; sleep 0.1; done
echo "SHOWN healthy $healthy"
if [ $healthy = 0 ]; then
  relay=$(tr -d ' ' < /proc/$outer/task/$outer/children)
  echo "SHOWN uid $(awk '/^Uid:/ { print $2 }' /proc/$relay/status)"
  echo "SHOWN pid $(awk '/^NSpid:/ { print $NF }' /proc/$relay/status)"
  code=0; ${aside(`agentchat deploy check ws://127.0.0.1:${port}`)} || code=$?
  echo "SHOWN check $code"
  code=0; ${
    aside(`node --input-type=module -e ${quote(`await Promise.all(${JSON.stringify(packages)}.map(name => import(name)))`)}`)
  } || code=$?
  echo "SHOWN packages $code"
  kill -TERM $relay
fi
code=0; wait $outer || code=$?
echo "SHOWN stopped $code"
cat "$W/log"
umount "$W/${target}/data"
echo "END OF RUN"`
}

/** Builds the image once and runs its stages. @param replace another command for a RUN step */
export const runImages = async (
  runs: readonly ImageRun[],
  replace: (run: string) => string = run => run,
): Promise<readonly { readonly shown: Shown, readonly output: string }[]> => {
  using folder = newFolder()
  const stages = stagesOf(readFileSync(join(repository, 'Dockerfile'), 'utf8'))
  const last = stages.findLast(({ name }) => runs.some(({ target }) => target === name))!.name
  const { script } = buildScript(stages, last, replace)
  const parts: string[] = [
    prelude(folder.path, contextNames(readFileSync(join(repository, '.dockerignore'), 'utf8'))),
    script,
    'echo "END OF BUILD"',
  ]
  for (const run of runs) parts.push(runScript(run, buildScript(stages, run.target, replace), await freePort()))
  const { stdout, status } = await new Promise<{ stdout: string, status: number | null }>(resolve => {
    const child = spawn('unshare', [
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      'bash',
      '-c',
      `exec 2>&1\n${parts.join('\n')}`,
    ], { stdio: ['ignore', 'pipe', 'inherit'] })
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.once('close', status => resolve({ stdout, status }))
  })
  if (status !== 0) throw new Error(`The image could not be made or run (${status}):\n${stdout.slice(-4_000)}`)
  return stdout.split('END OF BUILD\n')[1]!.split('END OF RUN\n').slice(0, -1)
    .map(output => ({
      shown: Object.fromEntries([...output.matchAll(/^SHOWN (\w+) (\d+)$/gm)].map(([, name, value]) => [name!, Number(value)])),
      output,
    }))
}
