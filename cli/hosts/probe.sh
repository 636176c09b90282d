# $3: the worker's program.  Prints what is there: "version ...", "clock SECONDS", "worker PID|none",
# "key PUBLIC|none", "master PUBLIC|none", "other PUBLIC|none": what its key file says.
probe() {
  find_place "$1" "$2"
  [ -x "$3" ] || fail "there is no program $3; install Fanfold there, or say where it is (bin= in the file of hosts)"
  version=$("$3" --version 2>&1) || fail "$3 does not run: $version"
  find_worker
  key=none master=none other=none
  if [ -f "$place/key" ]; then
    key=$(sed -n 's/^public //p' "$place/key")
    master=$(sed -n 's/^master //p' "$place/key")
    other=$(sed -n 's/^other //p' "$place/key")
  fi
  # On lines of their own, whatever the host greeted with.
  printf '\nversion %s\nclock %s\nworker %s\nkey %s\n' "$version" "$(date +%s)" "${worker:-none}" "${key:-none}"
  printf 'master %s\nother %s\n' "${master:-none}" "${other:-none}"
}
probe "$@"
