#!/bin/sh
# Looks into /image.tar, an OCI archive: its texts go to /out/blobs, what its layers weigh to /out/sizes and /out/hidden.
# Unpacked sizes are those of the layers' tars, which a manifest does not tell.
set -eu
mkdir -p /out/blobs/sha256
tar -C /tmp -xf /image.tar
cp /tmp/index.json /out/
for blob in /tmp/blobs/sha256/*; do
  name=${blob##*/}
  case $(head -c 1 "$blob") in '{') cp "$blob" /out/blobs/sha256/ ;; esac
  printf '%s %s\n' "sha256:$name" "$( (zcat -f "$blob" 2>/dev/null || true) | wc -c)"
done >/out/sizes

# What each layer holds that a later one replaces or removes (https://github.com/opencontainers/image-spec, layer.md).
manifest=$(grep -l '"layers"[[:space:]]*:' /out/blobs/sha256/* | head -n 1)
for digest in $(tr -d '\n' <"$manifest" | sed 's/.*"layers"//' | grep -o 'sha256:[0-9a-f]*'); do
  blob=/tmp/blobs/sha256/${digest#sha256:}
  [ -e "$blob" ] || continue
  echo "LAYER $digest"
  zcat -f "$blob" 2>/dev/null | tar --quoting-style=escape --numeric-owner -tvf - 2>/dev/null || true
done | awk '
  function gone(path) {
    if (!(path in held_by) || held_by[path] == layer) return
    hidden[held_by[path]] += size[path]
    delete held_by[path]
  }
  function below(folder,  path) { for (path in held_by) if (index(path, folder) == 1) gone(path) }
  /^LAYER / { layer = $2; hidden[layer] += 0; next }
  {
    kind = substr($1, 1, 1); bytes = $3
    sub(/^[^ ]+ +[^ ]+ +[^ ]+ +[^ ]+ +[^ ]+ /, "")
    if (kind == "l") sub(/ -> .*/, "")
    if (kind == "h") sub(/ link to .*/, "")
    sub(/^\.?\//, ""); sub(/\/$/, "")
    name = $0; sub(/.*\//, "", name)
    folder = substr($0, 1, length($0) - length(name))
    if (name == ".wh..wh..opq") below(folder)
    else if (index(name, ".wh.") == 1) { gone(folder substr(name, 5)); below(folder substr(name, 5) "/") }
    else if (kind != "d") gone($0)
    if (kind == "-" && index(name, ".wh.") != 1) { held_by[$0] = layer; size[$0] = bytes }
  }
  END { for (layer in hidden) printf "%s %.0f\n", layer, hidden[layer] }
' >/out/hidden
