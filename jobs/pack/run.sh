#!/bin/sh
# Starts the interpreter of this archive; every argument goes to it. Try: ./run -c 'import numpy'
# Exit status 30: the worker lacks something (docs/reference/exit-codes.md).
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 30

refuse() {
    echo "error: host $(uname -n): $1; send the jobs of this site elsewhere, or pack on a machine like its workers" >&2
    exit 30
}

machine=$(uname -m)
[ "$machine" = "@MACHINE@" ] || refuse "this archive is for processors of type @MACHINE@, and this one is $machine"
glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || refuse "there is no GNU C library, and this archive needs @GLIBC_MAJOR@.@GLIBC_MINOR@"
version=${glibc#glibc }
major=${version%%.*}
minor=${version#*.}
minor=${minor%%.*}
if [ "$major" -lt "@GLIBC_MAJOR@" ] || { [ "$major" -eq "@GLIBC_MAJOR@" ] && [ "$minor" -lt "@GLIBC_MINOR@" ]; }; then
    refuse "the GNU C library is $version, and this archive needs @GLIBC_MAJOR@.@GLIBC_MINOR@"
fi

# Before everything that the worker has: its libraries may be older. Nothing of its Python is looked at (-I).
LD_LIBRARY_PATH=$here/lib
export LD_LIBRARY_PATH
exec "$here/bin/@PYTHON@" -I -B "$@"
