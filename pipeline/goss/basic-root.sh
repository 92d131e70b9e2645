#!/.goss/busybox sh
# The part of the test of an image without gossfiles that only root can do, with a report as basic.sh's.
#   basic-root.sh MARK
mark=$1
. /.goss/find.sh
. /.goss/cases.sh
bb=/.goss/busybox out=/.goss-run/out
exec >"$out/report"

# A field that begins with a dollar is a password's hash; what stands there otherwise lets nobody in by one.
no_password() {
  users=$("$bb" cat /etc/passwd /etc/shadow 2>/dev/null | "$bb" awk -F: '$2 ~ /^[$]/ { print $1 }' | "$bb" tr '\n' ' ')
  [ -z "$users" ] || { echo "anybody who has the image has the password's hash of: ${users% }"; return 1; }
}

printf '\n%s cases\n' "$mark"
if [ -e /etc/passwd ]; then check "no user has a password" no_password; fi
if apt=$(find_ apt-get) && [ -e /var/lib/dpkg/status ]; then check "apt-get check" "$apt" -qq check; fi
printf '\n%s end\n' "$mark"
