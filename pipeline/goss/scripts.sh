# Sourced by run.sh: the scripts that scripts-main lists, a line each: seconds and a path below the tests' directory. The
# section of each has how it ended (an exit code, "late", or "lacks PROGRAM"), the seconds it took, then its output.
uptime_() { read -r now _ </proc/uptime && echo "$now"; }
number=0
while read -r seconds script; do
  number=$((number + 1)) said=$out/script-$number
  began=$(uptime_)
  # A session of its own, so that whatever the script started ends with it.
  "$bb" setsid "$bb" sh /.goss/script.sh "$tests/$script" "$out/lacks" </dev/null >"$said" 2>&1 3>&- &
  running=$!
  {
    "$bb" sleep "$seconds"
    : >"$out/late"
    kill -KILL "-$running"
  } >/dev/null 2>&1 3>&- &
  watching=$!
  wait "$running"
  status=$?
  kill "$watching"
  if [ -e "$out/late" ]; then status=late; fi
  if [ -e "$out/lacks" ]; then status="lacks $("$bb" cat "$out/lacks")"; fi
  "$bb" rm -f "$out/late" "$out/lacks"
  section "script-$number"
  { echo "$status"; echo "$began $(uptime_)"; "$bb" tail -c 1048576 "$said"; } >&3
  "$bb" tail -n 20 "$said"
done <"$tests/scripts-main"
