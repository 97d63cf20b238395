#!/bin/sh
# Goal: the README's two commands work on a machine that has nothing.
# Method: a fresh Debian 12 in a folder of its own, with git and make and no more; the last commit is cloned into it, and each
# command is run there by an own user with sudo. What must be there afterwards is looked for.
#
#   ci/tests/bare.sh [COMMAND ...]     other commands than `make test` and `make fuzz TIME=60`
#
# Needs root and debootstrap (else status 77). The base system is kept in build/bare for the next time.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
cache=$root/build/bare
base=$cache/base.tar
lack() {
    printf 'skipped: %s\n' "$*"
    exit 77
}
[ "$(id -u)" = 0 ] || lack "needs root, to make a system of its own"
command -v debootstrap >/dev/null 2>&1 || lack "needs debootstrap: apt-get install debootstrap"
unshare --mount true 2>/dev/null || lack "needs the right to mount"
if [ $# -eq 0 ]; then
    set -- 'make test' 'make fuzz TIME=60'
fi
mkdir -p "$cache"
place=$cache/root.$$

# Everything is mounted in a name space of its own, so nothing stays behind but files.
trap 'rm -rf --one-file-system "$place"' EXIT
if [ ! -e "$base" ]; then
    mirror=$(sed -n 's/^URIs: *\(http[^ ]*debian\)\/*$/\1/p; s/^deb *\(http[^ ]*debian\)\/* .*/\1/p' /etc/apt/sources.list \
        /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
    debootstrap --variant=minbase --include=git,make,sudo,ca-certificates bookworm "$place" \
        "${mirror:-http://deb.debian.org/debian}" >"$cache/debootstrap.log" 2>&1 || {
        tail -n 5 "$cache/debootstrap.log"
        exit 1
    }
    tar -C "$place" -cf "$base.new" .
    mv "$base.new" "$base"
    rm -rf --one-file-system "$place"
fi
mkdir -p "$place"
tar -C "$place" -xf "$base"
cp /etc/resolv.conf "$place/etc/resolv.conf"
git clone -q --no-local "$root" "$place/srv/cupel"

cat >"$place/inside.sh" <<'INSIDE'
set -eu
echo "127.0.0.1 localhost $(hostname)" >/etc/hosts
useradd --create-home assayer 2>/dev/null || true
echo 'assayer ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/assayer
chown -R assayer /srv/cupel
apt-get -q update >/dev/null
cd /srv/cupel
for tool in afl-fuzz lcov gcc cmake clang; do
    ! command -v "$tool" >/dev/null 2>&1 || { echo "$tool is there already: this is no bare machine"; exit 1; }
done
for command in "$@"; do
    began=$(date +%s)
    sudo -H -u assayer sh -c "$command" || { echo "failed: $command"; exit 1; }
    echo "ok $command ($(($(date +%s) - began)) s)"
    case $command in
    'make fuzz'*)
        for file in build/coverage/lcov.info build/coverage/html/index.html; do
            [ -s "$file" ] || { echo "$command left no $file"; exit 1; }
        done
        ;;
    esac
done
INSIDE
cat >"$place/enter.sh" <<'ENTER'
set -eu
place=$1
shift
mount -t proc proc "$place/proc"
mount --rbind /dev "$place/dev"
mount -t sysfs sys "$place/sys" 2>/dev/null || true
exec chroot "$place" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LANG=C.UTF-8 sh /inside.sh "$@"
ENTER
unshare --mount --pid --fork --propagation private sh "$place/enter.sh" "$place" "$@"
