# $3: the master's key, $4: another that it may have, or nothing.  Writes them into the worker's key
# file; a worker that runs looks there when the master has none of the keys that it knows.
learn() {
  find_place "$1" "$2"
  [ -f "$place/key" ] || fail "there is no key in $place"
  {
    grep -v -e '^master ' -e '^other ' "$place/key" &&
      { [ -z "$4" ] || echo "other $4"; } &&
      echo "master $3"
  } >"$place/key.new" && mv -f "$place/key.new" "$place/key" || fail "cannot write $place/key"
}
learn "$@"
