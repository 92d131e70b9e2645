# Sourced by run.sh: all gossfiles as one run, with goss's JSON and what it says beside it as sections.
goss goss-main.yaml --format json >"$out/results" 2>"$out/errors"
status=$?
section status
echo "$status" >&3
section results
add "$out/results"
section errors
add "$out/errors"
"$bb" sed -n 's/.*"summary-line":"\(Count:[^"]*\)".*/\1/p' "$out/results"
