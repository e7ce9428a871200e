#!/usr/bin/env bash
# Makes a Debian package and a tarball of Millrace, with the Swift runtime linked in: what they run on needs no Swift.
# Both have the program, man pages, completions, systemd units, the Wireshark dissector and the documents.
#
#   Scripts/package.sh [FOLDER]     default: .build/packages
#
# The dates in them are SOURCE_DATE_EPOCH's, or the last commit's. MAINTAINER="Name <address>", or DEBFULLNAME and
# DEBEMAIL as Debian's own tools know them, answers for the .deb.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mkdir -p "${1:-.build/packages}" && cd "${1:-.build/packages}" && pwd)

maintainer=${MAINTAINER:-${DEBFULLNAME:-The Millrace maintainers} <${DEBEMAIL:-millrace@localhost}>}

bash Scripts/install.sh dpkg-dev fakeroot binutils
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

# A build folder of its own: the flag rebuilds everything that a build without it has made.
build=(swift build -c release --product millrace --static-swift-stdlib --scratch-path .build-static)
"${build[@]}"
built=$("${build[@]}" --show-bin-path)/millrace
version=$("$built" --version | sed -n 's/^millrace \([0-9.]*\),.*/\1/p')
machine=$(dpkg --print-architecture)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
doc=$root/usr/share/doc/millrace

install -Dm755 "$built" "$root/usr/bin/millrace"
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$root/usr/bin/millrace"
mkdir -p "$root/usr/share/man/man1"
python3 Scripts/make-manuals.py "$built" --man "$root/usr/share/man/man1"
gzip -9n "$root"/usr/share/man/man1/*

completion() {
    mkdir -p "$(dirname "$root/usr/share/$2")"
    # Completions are read, not run.
    "$built" --generate-completion-script "$1" | sed '1{/^#!/d}' >"$root/usr/share/$2"
}
completion bash bash-completion/completions/millrace
completion zsh zsh/vendor-completions/_millrace
completion fish fish/vendor_completions.d/millrace.fish

install -Dm644 -t "$root/lib/systemd/system" Packaging/systemd/*.service
plugins=usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)/wireshark/plugins
install -Dm644 -t "$root/$plugins" Dissector/millrace.lua
install -Dm644 -t "$doc" README.md PROTOCOL.md
install -Dm644 -t "$doc/examples" Packaging/systemd/*.conf
for kind in containers kubernetes slurm; do
    install -Dm644 -t "$doc/examples/$kind" Packaging/$kind/*
done
install -Dm644 -t "$doc" Documentation/guide.md Documentation/troubleshooting.md Documentation/exit-codes.md \
    Documentation/options.md Documentation/recipes.md Documentation/events.md
gzip -9n "$doc/PROTOCOL.md"
cat >"$doc/copyright" <<END
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: millrace

Files: *
Copyright: $(date -ud "@$SOURCE_DATE_EPOCH" +%Y) the authors of Millrace
License: Apache-2.0
 On Debian systems, the full text of the Apache License 2.0 is in
 /usr/share/common-licenses/Apache-2.0.
Comment:
 The program has the Swift runtime and swift-argument-parser linked in: both are
 Copyright Apple Inc. and the Swift project authors, under the Apache License 2.0
 with a Runtime Library Exception (https://swift.org/LICENSE.txt).
END
{
    printf 'millrace (%s) unstable; urgency=medium\n\n' "$version"
    # Each entry as one line, then folded as Debian's changelogs are.
    sed -n '/^- /,$p' CHANGELOG.md | awk '/^- / { if (n++) print ""; printf "%s", substr($0, 3); next }
        /^  / { printf " %s", substr($0, 3) } END { print "" }' |
        while IFS= read -r entry; do fold -sw 74 <<<"$entry" | sed '1s/^/  * /; 2,$s/^/    /; s/ *$//'; done
    printf '\n -- %s  %s\n' "$maintainer" "$(date -uRd "@$SOURCE_DATE_EPOCH")"
} | gzip -9n >"$doc/changelog.gz"

# What the program's libraries ask for, by the system's own tool, which wants a source package's control file.
mkdir -p "$work/debian" "$root/DEBIAN"
printf 'Source: millrace\n\nPackage: millrace\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O root/usr/bin/millrace | sed -n 's/^shlibs:Depends=//p')
cat >"$root/DEBIAN/control" <<END
Package: millrace
Version: $version
Architecture: $machine
Maintainer: $maintainer
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: $depends
Suggests: pdsh | clustershell, wireshark
Section: net
Priority: optional
Description: push one big file to every machine of a LAN
 One owner has the file; any number of peers take chunks from it and pass them
 on to each other, so that the owner's uplink carries the file about once. A
 slow or dead peer holds up nobody, and every byte is verified with SHA-256.
 There is no tracker, no torrent file and no set-up.
END
(cd "$root" && find usr lib -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
find "$root" -print0 | xargs -0 touch -hd "@$SOURCE_DATE_EPOCH"
chmod -R u=rwX,go=rX "$root"
deb=$folder/millrace_${version}_$machine.deb
fakeroot dpkg-deb --build "$root" "$deb" >/dev/null

# The tarball: to be unpacked in /usr/local, or anywhere.
name=millrace-$version-linux-$(uname -m)
mkdir "$work/$name"
cp -a "$root/usr/bin" "$root/usr/share" "$work/$name/"
mkdir -p "$work/$name/lib"
cp -a "$root/lib/systemd" "$work/$name/lib/"
cp -a Dissector LICENSE "$work/$name/"
rm "$work/$name/share/doc/millrace/copyright" "$work/$name/share/doc/millrace/changelog.gz"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$work" -cf - "$name" |
    gzip -9n >"$folder/$name.tar.gz"

echo "$deb: $(stat -c %s "$deb") bytes; the program: $(stat -c %s "$root/usr/bin/millrace") bytes"
echo "$folder/$name.tar.gz: $(stat -c %s "$folder/$name.tar.gz") bytes"
echo "needs: $depends"
