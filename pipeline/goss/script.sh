#!/.goss/busybox sh
# Becomes a script of the tests, run by what its first line names, else by the image's sh.
#   script.sh PATH LACKS
# LACKS is a file for the program that the script wants and the image has not.
. /.goss/find.sh
bb=/.goss/busybox
lacks() { printf '%s\n' "$1" >"$2"; exit 127; }
case $1 in
  *.bats)
    bash=$(find_ bash) || lacks bash "$2"
    bats=$(find_ bats) || bats=/.goss/bats/bin/bats
    exec "$bash" "$bats" --tap "$1" ;;
esac
first=$("$bb" head -n 1 "$1" | "$bb" sed -n 's/^#! *//p')
# What the first line says is parted into words by intent.
if [ -n "$first" ] && [ ! -x "${first%% *}" ]; then lacks "${first%% *}" "$2"; fi
if [ -x "$1" ] && [ -n "$first" ]; then exec "$1"; fi
if [ -n "$first" ]; then exec $first "$1"; fi
if "$bb" head -c 4 "$1" | "$bb" grep -q ELF; then exec "$1"; fi
sh=$(find_ sh) && exec "$sh" "$1"
exec "$bb" sh "$1"
