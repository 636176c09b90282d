# Beginning of every script that runs on a host.  $1: the cluster's id, $2: the host's name.
# All of it is read before any of it is run: what breaks off on the way here does nothing.
fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Sets `place`, the directory of this worker, below the home of whom ssh logs in.  From here on what
# is made is ours alone; `mask` is what was usual before.
find_place() {
  mask=$(umask)
  umask 077
  [ -n "${HOME:-}" ] && [ -d "$HOME" ] || fail "there is no home directory of $(id -un) to keep the worker's key in"
  place=$HOME/.fanfold/$1/$2
}

# A process id says little: it may have been given to somebody else.  The worker's names its key.
is_ours() {
  [ -n "$1" ] && [ -r "/proc/$1/cmdline" ] && tr '\0' '\n' <"/proc/$1/cmdline" | grep -qxF -e "$place/key"
}

# Sets `worker` to the process id, or to nothing.
find_worker() {
  worker=
  [ -f "$place/pid" ] || return 0
  worker=$(cat "$place/pid")
  case $worker in '' | *[!0-9]*) worker= ;; esac
  is_ours "$worker" || worker=
}

# Whether the worker ends within $1 tenths of a second.
wait_for_end() {
  for _ in $(seq 1 "$1"); do
    is_ours "$worker" || return 0
    sleep 0.1
  done
  return 1
}

take_away() {
  rm -rf "$place" || fail "cannot remove $place, where the worker's key lies"
  rmdir "$HOME/.fanfold/$1" "$HOME/.fanfold" 2>/dev/null || true
}
