#!/.goss/busybox sh
# The test of an image without gossfiles. The report in /.goss-run/out has a line per case, as cases.sh writes it.
#   basic.sh MARK [COMMAND...]
# COMMAND is the image's own; it must at least be found. What it does without arguments or a terminal is its own affair.
# Runs as the image's own user. "-" in place of the verdict means that the case does not apply.
mark=$1
shift
. /.goss/find.sh
. /.goss/cases.sh
bb=/.goss/busybox out=/.goss-run/out
exec >"$out/report"

user_exists() {
  id=$("$bb" id -u)
  "$bb" grep -q "^[^:]*:[^:]*:$id:" /etc/passwd && return
  echo "uid $id is not in /etc/passwd"
  return 1
}
home_writable() {
  [ -n "$HOME" ] || { echo "HOME is not set"; return 1; }
  probe="$HOME/.baselard-probe"
  (: >"$probe") 2>/dev/null && "$bb" rm "$probe" && return
  echo "cannot write in HOME=$HOME as uid $("$bb" id -u)"
  return 1
}
path_whole() {
  broken=$(echo "$PATH" | "$bb" tr ':' '\n' | while read -r dir; do
    for file in "$dir"/*; do [ -L "$file" ] && [ ! -e "$file" ] && echo "$file"; done
  done | "$bb" tr '\n' ' ')
  [ -z "$broken" ] || { echo "broken links: ${broken% }"; return 1; }
}
# Once something is amiss, dpkg looks at its lock, which only root may, and at its options in HOME, which may be another's.
dpkg_sound() {
  database=$out/dpkg
  "$bb" mkdir "$database" && "$bb" ln -s /var/lib/dpkg/* "$database" && "$bb" rm -f "$database"/lock*
  said=$(HOME=/ "$dpkg" --admindir="$database" --audit 2>&1) && [ -z "$said" ] && return
  echo "$said"
  return 1
}

# npm's last words would be about its log.
npm_sound() {
  said=$("$npm" ls --all --logs-max=0 2>&1 >/dev/null) && return
  echo "$said" | "$bb" grep -v -e 'Log files were not written' -e '^npm [A-Za-z]*!* *$'
  return 1
}

clock_is_utc() {
  zone=$("$date" +%Z) && [ "$zone" = UTC ] && return
  echo "its time zone is $zone, and no TZ says that it is to be"
  return 1
}

# An init ends every process but the first when it is told to end: not this one, nor the one below it that waits.
trap : TERM
command_starts() {
  trap : TERM
  program=$(find_ "$1") || { echo "$1: not found in PATH=$PATH"; return 1; }
  shift
  "$bb" timeout 5 "$program" "$@" </dev/null >/dev/null 2>"$out/said"
  status=$?
  [ "$status" != 126 ] && [ "$status" != 127 ] && return
  echo "exit code $status: $program: $("$bb" tail -n 1 "$out/said" | "$bb" tail -c 400)"
  return 1
}

printf '\n%s cases\n' "$mark"
check "user exists" user_exists
check "home is writable" home_writable
check "PATH has no broken link" path_whole
if sh=$(find_ sh); then check "shell starts" "$sh" -c :; else case_ - "shell starts" "no shell in this image"; fi
[ $# = 0 ] || check "command starts" command_starts "$@"
if [ -n "$TZ" ]; then
  case_ - "clock is UTC" "TZ=$TZ is set"
elif date=$(find_ date); then check "clock is UTC" clock_is_utc; fi
if pip=$(find_ pip || find_ pip3); then check "pip check" "$pip" check; fi
if npm=$(find_ npm) && [ -e package.json ]; then check "npm ls" npm_sound; fi
if dpkg=$(find_ dpkg) && [ -e /var/lib/dpkg/status ]; then check "dpkg --audit" dpkg_sound; fi
printf '\n%s end\n' "$mark"
