# Sourced by scripts.sh and pytest.sh: a command that is ended, with all that it started, when its time is over.
uptime_() { read -r now _ </proc/uptime && echo "$now"; }
watched() { # SECONDS FILE COMMAND...: its output is in FILE; `status` is its exit code or "late", `times` when it ran
  seconds=$1 said=$2 began=$(uptime_)
  shift 2
  # A session of its own, so that whatever it started ends with it.
  "$bb" setsid "$@" </dev/null >"$said" 2>&1 3>&- &
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
  "$bb" rm -f "$out/late"
  times="$began $(uptime_)"
}
