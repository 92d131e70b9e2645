# Sourced by run.sh: the scripts that scripts-main lists, a line each: seconds and a path below the tests' directory. The
# section of each has how it ended (an exit code, "late", or "lacks PROGRAM"), the seconds it took, then its output.
. /.goss/watched.sh
number=0
while read -r limit script; do
  number=$((number + 1))
  watched "$limit" "$out/script-$number" "$bb" sh /.goss/script.sh "$tests/$script" "$out/lacks"
  if [ -e "$out/lacks" ]; then status="lacks $("$bb" cat "$out/lacks")"; fi
  "$bb" rm -f "$out/lacks"
  section "script-$number"
  { echo "$status"; echo "$times"; "$bb" tail -c 1048576 "$said"; } >&3
  "$bb" tail -n 20 "$said"
done <"$tests/scripts-main"
