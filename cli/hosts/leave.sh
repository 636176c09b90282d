# Lets the worker finish what it runs, and takes away what it had there.
leave() {
  find_place "$1" "$2"
  find_worker
  if [ -n "$worker" ]; then
    # A second signal would end it at once.
    if [ "$(cat "$place/leaving" 2>/dev/null)" != "$worker" ]; then
      echo "$worker" >"$place/leaving" || fail "cannot write $place/leaving"
      kill -TERM "$worker" 2>/dev/null || true
    fi
    wait_for_end 450 || fail "its worker still finishes what it runs; the same command waits on"
  fi
  take_away "$1"
}
leave "$@"
