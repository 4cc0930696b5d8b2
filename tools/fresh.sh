#!/usr/bin/env bash
# The README's two commands on a fresh Debian 12: `make demo` and `make test` in a clone of HEAD.
#
#     tools/fresh.sh [PACKAGE ...]
#
# debootstrap makes the machine in a temporary folder, with the packages that the README asks for
# and those named as arguments (the optional ones), and an ordinary user runs the commands there.
# pip gets this host's configuration: sources of packages, certificates. Needs root and debootstrap;
# without them nothing is run. Prints the seconds of each command; exits with the status of the first
# that fails.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" != 0 ] || ! command -v debootstrap > /dev/null; then
    echo "skipped: root and debootstrap are needed"
    exit 0
fi

if [ -z "${MACHINE:-}" ]; then
    # The mounts below end with this namespace; the folder is removed afterwards.
    machine=$(mktemp -d /var/tmp/creative-filter-fresh-XXXXXX)
    chmod 755 "$machine"
    trap 'rm -rf --one-file-system "$machine"' EXIT
    MACHINE=$machine unshare --mount --pid --fork --kill-child "$0" "$@"
    exit
fi
machine=$MACHINE
bind() {  # PATH: mount a path of this host at the same path of the machine
    mkdir -p "$machine$1"
    mount --bind "$1" "$machine$1"
}
there() { chroot "$machine" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }

echo "A fresh Debian 12 with: python3 python3-venv git make ca-certificates $*"
debootstrap --variant=minbase --include=python3,python3-venv,git,make,ca-certificates \
    bookworm "$machine" http://deb.debian.org/debian > "$machine.log"
rm "$machine.log"
mount -t proc proc "$machine/proc"
bind /dev
bind /dev/pts
mount -t tmpfs -o mode=1777 tmpfs "$machine/dev/shm"
cp /etc/resolv.conf /etc/hosts "$machine/etc/"
# Certificates that this host trusts in addition to Debian's.
cp /etc/ssl/certs/ca-certificates.crt "$machine/etc/ssl/certs/ca-certificates.crt"
if [ $# -gt 0 ]; then
    there apt-get update -qq
    there apt-get install -qq -y --no-install-recommends "$@" > /dev/null
fi

pip_settings=()
while IFS='=' read -r name value; do
    key=${name#*.}
    value=${value:1:-1}
    pip_settings+=("PIP_$(tr 'a-z-' 'A-Z_' <<< "$key")=$value")
    for place in $value; do
        # A local index page links to package files in its folder.
        case $place in file://*) place=$(dirname "${place#file://}") ;; esac
        if [ -d "$place" ]; then
            mountpoint -q "$machine$place" || bind "$place"
        elif [ -f "$place" ] && [ ! -e "$machine$place" ]; then
            mkdir -p "$(dirname "$machine$place")"
            cp "$place" "$machine$place"
        fi
    done
done < <(python3 -m pip config list)

there useradd --create-home user
git clone --quiet --no-hardlinks . "$machine/home/user/creative-filter"
there chown -R user:user /home/user
status=0
for command in "make demo" "make test"; do
    began=$SECONDS
    chroot --userspec=user:user "$machine" /usr/bin/env -i HOME=/home/user PATH=/usr/bin:/bin \
        LANG=C.UTF-8 "${pip_settings[@]}" \
        bash -c "cd ~/creative-filter && $command" || status=$?
    echo "$command: status $status after $((SECONDS - began)) s"
    [ $status = 0 ] || break
done
exit $status
