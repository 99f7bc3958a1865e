#!/usr/bin/env bash
# Sums every TRX file below a folder: skipped tests with their reasons, failed ones by name, and "N passed, N failed, N skipped" alone on the last line.
set -euo pipefail
passed=0 failed=0 skipped=0
while IFS= read -r file; do
  passed=$((passed + $(grep -o '<UnitTestResult [^>]*outcome="Passed"' "$file" | wc -l)))
  skipped=$((skipped + $(grep -oE '<UnitTestResult [^>]*outcome="(NotExecuted|Inconclusive|Pending)"' "$file" | wc -l)))
  failed=$((failed + $(grep -oE '<UnitTestResult [^>]*outcome="(Failed|Error|Timeout|Aborted)"' "$file" | wc -l)))
done < <(find "$1" -name '*.trx')
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
