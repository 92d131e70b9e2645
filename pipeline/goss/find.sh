# Sourced by run.sh and basic.sh. busybox's shell would take its own applet for any command of the same name (sh, dpkg),
# so a command of the image is only ever run by the path found here.
find_() { # NAME: print the image's own program of that name; 1 when there is none
  case $1 in */*) printf '%s\n' "$1"; return ;; esac
  find_in() {
    IFS=:
    for dir in $PATH; do
      [ -f "$dir/$1" ] && [ -x "$dir/$1" ] && printf '%s\n' "$dir/$1" && return
    done
    return 1
  }
  (find_in "$1")
}
