#!/bin/sh
# Builds the version before out of this repository's history, for the tests that run it beside this one, into
# .tools/previous: the commit in tests/previous_version, with its .sqlx/. What is there for that commit stays. A clone
# that does not go back so far says so, and those tests are left out.
set -eu
cd "$(dirname "$0")/.."
there=.tools/previous
commit=$(grep -v '^#' tests/previous_version)

# Written last, so a build that was broken off does not count.
if [ "$(cat "$there/commit" 2>/dev/null)" = "$commit" ]; then
    exit 0
fi
rm -rf "$there"
if ! git cat-file -e "$commit^{commit}" 2>/dev/null; then
    echo "There is no commit $commit in this clone, so the tests that run the version before are left out." >&2
    exit 0
fi

echo "Building the version before, $commit, into $there." >&2
mkdir -p "$there/source"
git archive "$commit" | tar -x -C "$there/source"

# Under a version of its own: cargo takes packages of one name and version for the same, and would build this version's
# tests against that one's library.
renumber() {
    awk "$1" "$there/source/$2" >"$there/renumbered"
    mv "$there/renumbered" "$there/source/$2"
}
renumber '!done && /^version = / { $0 = "version = \"0.0.0\""; done = 1 } { print }' Cargo.toml
renumber '/^name = "(brickyard|simulator)"$/ { ours = 1 }
    ours && /^version = / { $0 = "version = \"0.0.0\""; ours = 0 } { print }' Cargo.lock

# What it has in common with this version, nearly all of its crates, is taken from the build that is there. What it
# makes goes elsewhere: target/debug/brickyard stays this version's.
target=${CARGO_TARGET_DIR:-target}
case $target in
    /*) ;;
    *) target=$PWD/$target ;;
esac
(
    cd "$there/source"
    SQLX_OFFLINE=true CARGO_BUILD_BUILD_DIR=$target \
        cargo build --quiet --locked --bin brickyard --target-dir ../target
)
mv "$there/target/debug/brickyard" "$there/source/.sqlx" "$there/"
rm -rf "$there/source" "$there/target"
echo "$commit" >"$there/commit"
