#!/.goss/busybox sh
# Looks at files of the image, as root. The report in /.goss-run/out has a line for each request:
#   look.sh stat PATH    mode in hexadecimal, uid and gid of what is there, a link itself; "-" when nothing is
#           read PATH    "+" and what is in it, base64; "-" and why not
#           debian       for each package whose terms say AGPL or WTFPL, or that has none: NAME and the word, or "-"
#           terms PATH   the same of one file
bb=/.goss/busybox
exec >/.goss-run/out/report
terms() { # PATH: print the word that is in it, "-" when it cannot be read, nothing when all is well
  [ -f "$1" ] || { printf '%s' -; return; }
  "$bb" grep -i -o -e AGPL -e WTFPL "$1" | "$bb" head -n 1 | "$bb" tr a-z A-Z | "$bb" tr -d '\n'
}
while [ $# -gt 0 ]; do
  case $1 in
    stat) "$bb" stat -c '%f %u %g' "$2" 2>/dev/null || echo - ;;
    read)
      if [ -d "$2" ]; then echo "- it is a directory"
      elif said=$("$bb" cat "$2" 2>&1 >/dev/null); then printf '+'; "$bb" base64 "$2" | "$bb" tr -d '\n'; echo
      else echo "- ${said##*: }"; fi ;;
    terms) terms "$2"; echo ;;
    debian)
      for directory in /usr/share/doc/*/; do
        directory=${directory%/}
        [ -L "$directory" ] || [ "${directory##*/}" = libgnutls30 ] && continue
        word=$(terms "$directory/copyright")
        [ -z "$word" ] || printf '%s %s,' "${directory##*/}" "$word"
      done
      echo
      shift
      continue ;;
  esac
  shift 2
done
