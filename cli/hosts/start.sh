# $3: the worker's key file as text, or nothing to keep the one that is there; $4...: the worker's
# command line but for its key.  Prints "worker PID".
start() {
  find_place "$1" "$2"
  key=$3
  shift 3
  mkdir -p "$place" && chmod 700 "$place" || fail "cannot make $place"
  [ -O "$place" ] || fail "$place belongs to somebody else"
  find_worker
  [ -z "$worker" ] || fail "a worker runs there already (process $worker)"
  if [ -n "$key" ]; then
    printf '%s' "$key" >"$place/key.new" && chmod 600 "$place/key.new" && mv -f "$place/key.new" "$place/key" ||
      fail "cannot write $place/key"
  fi
  # In a session of its own: it outlives the connection that started it.
  (
    umask "$mask"
    exec setsid "$@" --key "$place/key"
  ) </dev/null >>"$place/worker.log" 2>&1 &
  worker=$!
  if ! echo "$worker" >"$place/pid"; then
    # Nobody would find it again.
    kill -KILL "$worker" 2>/dev/null
    fail "cannot write $place/pid"
  fi
  # On a line of its own, whatever the host greeted with.
  printf '\nworker %s\n' "$worker"
}
start "$@"
