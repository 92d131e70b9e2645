#!/bin/bash
# Tests of repo-facts: each case prints its name; the first wrong answer ends the run.
set -euo pipefail
tool=$(dirname "$(realpath "$0")")/repo-facts
tree=$(mktemp --directory)
trap 'rm -rf "$tree"' EXIT

expect() { # NAME WANTED ACTUAL
  if [[ $2 != "$3" ]]; then
    printf 'FAILED: %s\n  wanted: %s\n  got:    %s\n' "$1" "$2" "$3" >&2
    exit 1
  fi
  printf 'ok: %s\n' "$1"
}

expect "an empty tree has no files" '{"files":0,"lines":0,"kinds":[]}' "$("$tool" "$tree" | jq --compact-output .)"

printf 'a\nb\n' >"$tree/x.py"
printf 'a\n' >"$tree/with a space.py"
printf 'all:\n' >"$tree/Makefile"
printf '\0\1\2' >"$tree/picture.png"
expect "lines add up" 4 "$("$tool" "$tree" | jq .lines)"
expect "kinds come largest first" 'py Makefile' "$("$tool" "$tree" | jq --raw-output '[.kinds[].kind] | join(" ")')"

git -C "$tree" init --quiet
printf '*.py\n' >"$tree/.gitignore"
expect "what git ignores is left out" 2 "$("$tool" "$tree" | jq .files)"

status=0
"$tool" /nowhere 2>/dev/null || status=$?
expect "a missing directory is exit 2" 2 "$status"
