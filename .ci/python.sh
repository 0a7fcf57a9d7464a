#!/usr/bin/env bash
# A private Python with the packages of lists; prints the folder of its programs. It is made once, and anew when a list
# changes.
#
#   .ci/python.sh                   what the tests need, in target/python
#   .ci/python.sh FOLDER LIST...    the packages of other lists, in another folder
source "$(dirname "$0")/lib.sh"

# What is printed is for the caller; what is said is for people.
need python3 python3 "it runs the client that is made from the API's document" >&2
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
  die "Python 3.10 or newer is needed and this is $(python3 --version): install a newer python3, then repeat"
fi
# Debian leaves out of Python what a virtual environment begins with.
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "Python's venv is missing: installing the package python3-venv" >&2
    apt-get update -qq >&2 || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null ||
      die "could not install python3-venv: install it by hand, then repeat"
  else
    die "Python's venv is missing. On Debian or Ubuntu: sudo apt-get install python3-venv"
  fi
fi

folder=${1:-target/python}
if [ $# -gt 1 ]; then lists=("${@:2}"); else lists=(.ci/requirements.txt examples/python/frameworks/requirements.txt); fi
wanted="$(python3 --version) $(cat "${lists[@]}" | sha256sum)"
if [ "$(cat "$folder/made-of" 2>/dev/null)" != "$wanted" ]; then
  say "setting up $folder" >&2
  rm -rf "$folder"
  mkdir -p target
  python3 -m venv "$folder" >&2
  "$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps "${lists[@]/#/-r}" >&2 ||
    die "the packages of ${lists[*]} could not be installed (is the package index reachable?); repeat when it is"
  printf '%s' "$wanted" >"$folder/made-of"
fi
printf '%s/bin\n' "$PWD/$folder"
