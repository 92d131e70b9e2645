# Sourced by run.sh: pytest on what pytest-main lists: seconds, then paths below the tests' directory. Python and pytest
# are mounted at /.pytest. It ends by itself when the time is over; if a test does not let it, it is ended.
. /.goss/watched.sh
read -r limit <"$tests/pytest-main"
for loader in /.goss/usr/lib/*/ld*.so.*; do
  libraries=${loader%/*}
  watched "$((limit + 10))" "$out/pytest" "$loader" --inhibit-cache --library-path \
    "$libraries:/.pytest${libraries#/.goss}" /.pytest/usr/bin/python3.* -I -S -B /.pytest/inside.py
done
section status
echo "$status" >&3
section said
"$bb" tail -c 65536 "$said" >&3
section junit
if [ -e "$out/junit.xml" ]; then add "$out/junit.xml"; fi
"$bb" tail -n 20 "$said"
