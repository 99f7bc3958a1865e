#!/usr/bin/env bash
# Restore, build with warnings as errors, check the format, run every test, print the tally. CI runs this same line.
set -euo pipefail
cd "$(dirname "$0")"
exec bash .ci/run "$@"
