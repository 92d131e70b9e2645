#!/.goss/busybox sh
# Runs inside the image under test, as its user, with nothing of the image but its own command.
#   run.sh MARK START WAIT TESTS [COMMAND...]
# MARK   a word that no output contains; a line "MARK NAME" starts the section NAME of the report in /.goss-run/out
# START  "yes": run COMMAND beside the tests and keep its output in the section "log"
# WAIT   seconds that goss-main-wait.yaml may take to pass
# TESTS  what is run then: the file /.goss/TESTS.sh
mark=$1 start=$2 wait=$3 judge=$4
shift 4
. /.goss/find.sh
bb=/.goss/busybox tests=/.goss-tests out=/.goss-run/out
# The report goes to a file: what a program prints is shown to people, and goss's JSON is not for them.
exec 3>"$out/report"

# goss runs commands by the sh in PATH; /.goss/bin has one for images that have none. By itself it runs fifty tests at
# once, and on few processors each of them then comes near its timeout.
together=${GOSS_MAX_CONCURRENT:-$(($("$bb" nproc) + 2))}
vars=$tests/goss-main-vars inline=$tests/goss-main-vars-inline
[ -e "$vars" ] || vars=
if [ -e "$inline" ]; then inline=$("$bb" cat "$inline"); else inline=; fi
goss() {
  gossfile=$tests/$1
  shift
  PATH=${PATH:-/bin}:/.goss/bin /.goss/goss -g "$gossfile" ${vars:+--vars "$vars"} ${inline:+--vars-inline "$inline"} \
    validate --max-concurrent "$together" "$@"
}
section() { printf '\n%s %s\n' "$mark" "$1" >&3; }
add() { "$bb" cat "$@" >&3; }
finish() {
  if [ "$start" = yes ]; then
    if [ -e "$out/exit" ]; then section exited; add "$out/exit"; fi
    section log
    "$bb" tail -c 65536 "$out/log" >&3
  fi
  section end
  exit 0
}

# An init that ends ends every process but the first: what has been found out until then is to be told all the same.
trap : TERM
# Whoever is done first says so here. It is held open for both, so that nobody waits for the other end (fifo(7)).
"$bb" mkfifo "$out/first"
exec 4<>"$out/first"
if [ "$start" = yes ]; then
  : >"$out/log"
  # The status file, not kill -0, tells whether it runs: a zombie still answers signals.
  {
    trap : TERM
    program=$(find_ "$1") || program=/no/such/program/$1
    shift
    "$program" "$@" </dev/null 4>&-
    echo $? >"$out/exit"
    echo exited >&4
  } >"$out/log" 2>&1 3>&- &
fi

if [ -e "$tests/goss-main-wait.yaml" ]; then
  # One goss that asks again and again: to start one takes longer than to ask, and the image needs the processors.
  {
    goss goss-main-wait.yaml --format silent --retry-timeout "${wait}s" --sleep 100ms 4>&-
    echo $? >"$out/waited"
    echo waited >&4
  } >"$out/wait" 2>&1 3>&- &
  waiting=$!
  until [ -e "$out/waited" ] || [ -e "$out/exit" ]; do read -r _ <&4; done
  if [ ! -e "$out/waited" ]; then
    kill "$waiting"
    status=exited
  else
    status=$("$bb" cat "$out/waited")
  fi
  case $status in
    0) ;;
    78) section wait-error; add "$out/wait"; finish ;;
    *)
      section wait
      goss goss-main-wait.yaml --format json >&3
      if [ "$status" = exited ]; then echo "ended before it was ready"; else echo "not ready after $wait s"; fi
      finish ;;
  esac
fi

. "/.goss/$judge.sh"
finish
