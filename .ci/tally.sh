#!/usr/bin/env bash
# Sums every TRX file below a folder: failed tests by name, skipped ones with their reasons, and "N passed, N failed, N skipped" alone on the last line.
set -euo pipefail
find "$1" -name '*.trx' -print0 | xargs -0 -r cat | awk '
  BEGIN { RS = "<UnitTestResult " }
  NR > 1 {
    head = substr($0, 1, index($0, ">"))
    name = head; sub(/.*testName="/, "", name); sub(/".*/, "", name)
    outcome = head; sub(/.*[ ]outcome="/, "", outcome); sub(/".*/, "", outcome)
    if (outcome == "Passed") passed++
    else if (outcome == "NotExecuted" || outcome == "Inconclusive" || outcome == "Pending") {
      skipped++
      reason = ""
      if (match($0, /<Message>[^<]*/)) reason = substr($0, RSTART + 9, RLENGTH - 9)
      print "skipped: " name ": " reason
    }
    else { failed++; print "failed: " name }
  }
  END {
    printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
    exit (failed > 0 || passed == 0)
  }'
