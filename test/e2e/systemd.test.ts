// A real systemd, as process 1 of a namespace and over this machine's files, takes the unit that `deploy up` installs.
import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { newFolder } from '../kit/folder.ts'
import { canRunImages } from '../kit/image.ts'
import { freePort } from '../kit/port.ts'
import { builtBin, builtTree } from '../kit/process.ts'

const systemd = '/lib/systemd/systemd'
const canBoot = existsSync(systemd) && canRunImages()
  && spawnSync('unshare', ['--mount', '--cgroup', 'sh', '-c', 'mount -t cgroup2 cgroup2 /mnt'], { stdio: 'ignore' }).status === 0

/** None of this machine's own units: only targets with nothing in them. */
const boot = (folder: string): string => `
set -euo pipefail
export M='${folder}/root/m'; mkdir '${folder}/root'; mount -t tmpfs none '${folder}/root'; mkdir "$M" "$M.upper" "$M.work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$M.upper,workdir=$M.work" "$M"
for place in /run /tmp /usr/lib/systemd/system /etc/systemd/system /var/lib; do mount -t tmpfs none "$M$place"; done
mount --rbind /dev "$M/dev"; mkdir -p "$M/sys" "$M/opt/agentchat"; mount -t sysfs sysfs "$M/sys"; mount -t cgroup2 cgroup2 "$M/sys/fs/cgroup"
mount --bind '${builtTree}' "$M/opt/agentchat"
for target in start sysinit basic shutdown network-online multi-user; do printf '[Unit]\\nDefaultDependencies=no\\n' > "$M/usr/lib/systemd/system/$target.target"; done
printf '#!/bin/sh\\nexec node /opt/agentchat/dist/bin/agentchat.js "$@"\\n' > "$M/usr/local/bin/agentchat"; chmod 755 "$M/usr/local/bin/agentchat"
mkdir -p "$M/srv"; cp '${folder}/deploy.yaml' "$M/srv/deploy.yaml"
unshare --pid --cgroup --fork --kill-child bash -c 'mount -t proc proc "$M/proc" && exec chroot "$M" env -i container=test PATH="$PATH" ${systemd} --system --unit=start.target --log-target=null --show-status=no' &
outer=$!
booted() { [ -S "$M/run/systemd/private" ]; }
for try in $(seq 1 100); do ! booted || break; sleep 0.1; done
init=$(tr -d ' ' < /proc/$outer/task/$outer/children)
in_root() { nsenter --target "$init" --pid --cgroup env -i PATH="$PATH" HOME=/tmp chroot "$M" "$@"; }
`

test.skipIf(!canBoot)('systemd starts the unit, holds it as tightly as it says, gives it its settings unchanged, and ends it in order', {
  timeout: 120_000,
}, async () => {
  using folder = newFolder()
  builtBin()
  const motd = 'a "quoted" 100% $HOME ${HOME} \\ é'
  const port = await freePort()
  writeFileSync(folder.at('deploy.yaml'), `name: chat\nport: ${port}\ntarget: systemd\nenvironment:\n  MOTD: ${JSON.stringify(motd)}\n`)
  const { stdout, stderr, status } = spawnSync('unshare', [
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    'bash',
    '-c',
    `${boot(folder.path)}
in_root agentchat deploy up -f /srv/deploy.yaml --yes
talks() { for try in $(seq 1 100); do ! in_root agentchat deploy check ws://127.0.0.1:${port} 2>/dev/null || return 0; sleep 0.1; done; return 1; }
talks && echo "SHOWN talks yes"
pid=$(in_root systemctl show --property MainPID --value chat.service)
in_root awk '/^(Uid|NoNewPrivs|Seccomp|CapBnd):/ { print "SHOWN", $1, $2 }' /proc/$pid/status
in_root cat /proc/$pid/environ | tr '\\0' '\\n' | sed -n 's/^MOTD=/SHOWN MOTD /p'
in_root sh -c "ls -ld /var/lib/private/chat/agentchat.db | cut -c1-10 | sed 's/^/SHOWN file /'"
sed -i 's/^name:/durability: full\\nname:/' "$M/srv/deploy.yaml"
in_root agentchat deploy up -f /srv/deploy.yaml --yes
talks && echo "SHOWN restarted $([ "$(in_root systemctl show --property MainPID --value chat.service)" != $pid ] && echo yes)"
in_root systemctl stop chat.service
in_root systemctl show --property Result --property ExecMainStatus chat.service | sed 's/=/ /; s/^/SHOWN /'
echo "SHOWN enabled $(in_root systemctl is-enabled chat.service)"
`,
  ], { encoding: 'utf8', timeout: 100_000, killSignal: 'SIGKILL' })
  const shown = Object.fromEntries([...stdout.matchAll(/^SHOWN (\S+?):? (.*)$/gm)].map(([, name, value]) => [name!, value]))
  expect({ status, shown }, `${stdout}\n${stderr}`).toEqual({
    status: 0,
    shown: {
      talks: 'yes',
      restarted: 'yes',
      MOTD: motd,
      NoNewPrivs: '1',
      Seccomp: '2',
      CapBnd: '0000000000000000',
      file: '-rw-------',
      // Of the range that systemd gives to services.
      Uid: expect.stringMatching(/^6[1-5]\d{3}$/),
      Result: 'success',
      ExecMainStatus: '0',
      enabled: 'enabled',
    },
  })
})
