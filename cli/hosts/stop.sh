# Ends the worker, by request and then by force, and takes away what it had there.
wait_for_end() {
  for _ in $(seq 1 "$1"); do
    is_ours "$worker" || return 0
    sleep 0.1
  done
  return 1
}
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
  rm -rf "$place" || fail "cannot remove $place, where the worker's key lies"
  rmdir "$HOME/.fanfold/$1" "$HOME/.fanfold" 2>/dev/null || true
}
stop "$@"
