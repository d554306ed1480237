#!/bin/sh
# What HTCondor starts on a worker that shares no file system with the machine that submits:
#
#   launch.sh ARCHIVE|- RETURNED ARGUMENTS...
#
# unpacks the archive of `sonicgrid pack`, or takes the Python of the container it is in (-), and runs the payload with
# the arguments. The folder RETURNED is there from the start: HTCondor holds a job that has not what it brings home.
set -u
mkdir -p "$2" || exit 31
# HTCondor keeps one stream in the job's log.
exec 1>&2

refuse() {
    echo "error: host $(uname -n): $1" >&2
    exit 30
}

archive=$1
echo "job starts on host $(uname -n) in $PWD, environment: $archive"
shift 2
if [ "$archive" = - ]; then
    command -v python3 >/dev/null || refuse "there is no python3 in the container; see docs/how-to/workers-without-shared-files.md"
    PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1
    export PYTHONSAFEPATH PYTHONDONTWRITEBYTECODE
    python3 -c 'import jobs.payload' || refuse "the container's python3 has no SonicGrid; install it into the image"
    exec python3 -m jobs.payload "$@"
fi
# A job that left to have its checkpoint saved starts again in the same folder.
if [ ! -e environment/unpacked ]; then
    mkdir -p environment && tar -xzf "$archive" -C environment || refuse "$archive cannot be unpacked; check tar, gzip and the space in $PWD"
    touch environment/unpacked && rm -f "$archive"
fi
exec environment/run -m jobs.payload "$@"
