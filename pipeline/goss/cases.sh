# Sourced by basic.sh and basic-root.sh: how a case is told, a line of VERDICT, name and reason, parted by tabs.
case_() { printf '%s\t%s\t%s\n' "$1" "$2" "$3"; }
check() { # NAME COMMAND...: the command's last line is the reason when it fails
  name=$1
  shift
  if said=$("$@" 2>&1); then case_ pass "$name"; else case_ fail "$name" "$(echo "$said" | "$bb" tail -n 1)"; fi
}
