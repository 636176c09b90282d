# Prints whether the worker lives, and the end of what it wrote.
tell() {
  find_place "$1" "$2"
  find_worker
  echo "worker ${worker:-none}"
  tail -n 5 "$place/worker.log" 2>/dev/null || true
}
tell "$@"
