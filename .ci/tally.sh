#!/usr/bin/env bash
# Sums every TRX file below a folder: failed tests by name, skipped ones with their reasons, and "N passed, N failed, N skipped" alone on the last line.
#   tally.sh FOLDER [STATUS]    STATUS is how the test command ended: where it failed and no test did, a test host ended early, and that counts as a failure.
set -euo pipefail
find "$1" -name '*.trx' -print0 | xargs -0 -r cat | awk -v status="${2:-0}" '
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
    if (status != 0 && failed == 0) { failed++; print "failed: the test run itself ended with " status ", without a failed test: a test host crashed or hung, or a project had no results. Its last tests are in Sequence files below the results." }
    printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
    exit (failed > 0 || passed == 0)
  }'
