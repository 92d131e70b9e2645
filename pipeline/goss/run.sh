#!/.goss/busybox sh
# Runs inside the image under test, as its user, with nothing of the image but its own command.
#   run.sh MARK START WAIT [COMMAND...]
# MARK   a word that no output contains; a line "MARK NAME" starts the section NAME on standard output
# START  "yes": run COMMAND beside the tests and keep its output in the section "log"
# WAIT   seconds that goss-main-wait.yaml may take to pass
mark=$1 start=$2 wait=$3
shift 3
. /.goss/find.sh
bb=/.goss/busybox tests=/.goss-tests out=/.goss-out

goss() { /.goss/ld.so --inhibit-cache --library-path /.goss/lib /.goss/goss -g "$tests/$1" validate -f "$2"; }
section() { printf '\n%s %s\n' "$mark" "$1"; }
finish() {
  if [ "$start" = yes ]; then
    if [ -e "$out/exit" ]; then section exited; "$bb" cat "$out/exit"; fi
    section log
    "$bb" tail -c 65536 "$out/log"
  fi
  section end
  exit 0
}

if [ "$start" = yes ]; then
  : >"$out/log"
  # The status file, not kill -0, tells whether it runs: a zombie still answers signals.
  {
    program=$(find_ "$1") || program=/no/such/program/$1
    shift
    "$program" "$@" </dev/null
    echo $? >"$out/exit"
  } >"$out/log" 2>&1 &
fi

if [ -e "$tests/goss-main-wait.yaml" ]; then
  deadline=$(($("$bb" date +%s) + wait))
  until goss goss-main-wait.yaml silent >"$out/wait" 2>&1; do
    status=$?
    if [ "$status" = 78 ]; then section wait-error; "$bb" cat "$out/wait"; finish; fi
    if [ -e "$out/exit" ] || [ "$("$bb" date +%s)" -ge "$deadline" ]; then
      section wait
      goss goss-main-wait.yaml json
      finish
    fi
    "$bb" sleep 0.1
  done
fi

goss goss-main.yaml json >"$out/results" 2>"$out/errors"
status=$?
section status
echo "$status"
section results
"$bb" cat "$out/results"
section errors
"$bb" cat "$out/errors"
finish
