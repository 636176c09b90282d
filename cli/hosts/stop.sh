# Ends the worker, by request and then by force, and takes away what it had there.
stop() {
  find_place "$1" "$2"
  find_worker
  if [ -n "$worker" ]; then
    # It drains at the first signal, which nobody waits for now: the second one insists.
    kill -TERM "$worker" 2>/dev/null || true
    kill -INT "$worker" 2>/dev/null || true
    if ! wait_for_end 50; then
      kill -KILL "$worker" 2>/dev/null || true
      wait_for_end 50 || fail "process $worker does not end"
    fi
  fi
  take_away "$1"
}
stop "$@"
