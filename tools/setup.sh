#!/usr/bin/env bash
# `npm run setup`: what the demo and the tests need beside npm's packages, namely a WebGPU adapter for Node (Dawn on
# Vulkan) and a Chromium. Changes nothing where both are there. Debian's own archive is the only source.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
adapter() { node tools/probe-adapter.mjs 2>/dev/null; }
chromium() { node tools/chromium.mjs 2>/dev/null; }

# Exit 0 and one line for each, if both are there.
report() {
  local gpu browser
  gpu=$(adapter) || return 1
  browser=$(chromium) || return 1
  say "WebGPU adapter: $gpu"
  say "Chromium: $browser"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else say "run as root, or install sudo, for: $*"; exit 1
  fi
}

# Adds the backports suite of the mirror that this machine already uses, under the key that it already trusts.
add_backports() {
  local suite=$1 codename=${1%-backports} mirror key
  apt-get indextargets --format '$(RELEASE)' | grep -qx "$suite" && return
  mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' | awk -v c="$codename" '$1 == c { print $2; exit }')
  if [ -z "$mirror" ]; then
    say "apt has no source for $codename to take $suite from; add one, then run this again"
    exit 1
  fi
  key=/usr/share/keyrings/debian-archive-keyring.gpg
  say "adding $suite of $mirror to apt's sources"
  {
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' "$mirror" "$suite"
    [ ! -e "$key" ] || printf 'Signed-By: %s\n' "$key"
  } | as_root tee "/etc/apt/sources.list.d/$suite.sources" >/dev/null
}

# Debian 12's own Mesa (22.3) has a Vulkan driver that Dawn refuses; the one of backports (25.0) it takes. Later releases
# need no backports.
install_debian() {
  local release=()
  as_root apt-get update -q
  if [ "$VERSION_ID" = 12 ]; then
    add_backports bookworm-backports
    as_root apt-get update -q
    release=(-t bookworm-backports)
  fi
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends)
  adapter >/dev/null || as_root "${install[@]}" "${release[@]}" mesa-vulkan-drivers libvulkan1
  chromium >/dev/null || as_root "${install[@]}" chromium
}

advise() {
  case "${ID:-}${ID_LIKE:+ $ID_LIKE}" in
    *ubuntu*) say "on Ubuntu 24.04 or later: sudo apt-get install mesa-vulkan-drivers libvulkan1 && sudo snap install chromium" ;;
    *fedora*) say "on Fedora: sudo dnf install mesa-vulkan-drivers vulkan-loader chromium" ;;
    macos) say "on macOS WebGPU runs on Metal, nothing to install; the browser tests need Google Chrome or Chromium in /Applications" ;;
    windows) say "on Windows WebGPU runs on D3D12, nothing to install; the browser tests need Google Chrome" ;;
    *) say "install a Vulkan driver (Mesa 24 or later has one for the CPU, lavapipe) with its loader libvulkan.so.1, and Chromium" ;;
  esac
  say "a Chromium elsewhere is named by TMCA_CHROMIUM=/path; TMCA_EXCUSE=gpu,browser runs the other tests without these"
}

node -e '' 2>/dev/null || { say "must have Node 20.9 or later, got none; ./run installs it on Debian"; exit 1; }
[ -d node_modules/webgpu ] || { say "npm's packages must be there first; run: npm ci"; exit 1; }
if report; then exit 0; fi

case "$(uname -s)" in
  Linux) if [ -r /etc/os-release ]; then . /etc/os-release; fi ;;
  Darwin) ID=macos ;;
  MINGW* | MSYS* | CYGWIN*) ID=windows ;;
esac
if [ "${ID:-}" = debian ] && [ "${VERSION_ID:-0}" -ge 12 ]; then install_debian; fi
if report; then exit 0; fi
adapter >/dev/null || say "no WebGPU adapter for Node"
chromium >/dev/null || say "no Chromium"
advise
exit 1
