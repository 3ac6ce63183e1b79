#!/bin/sh
# The evaluation of the support agent, as small as one can be: each line of cases.txt names a case, what it
# expects, and what the new prompt does. 0: all are as expected; 1: some are not.
cd "$(dirname "$0")" || exit 2
echo "evaluating $BREAKGLASS_CANARY for $BREAKGLASS_CHANGE"
awk -F' *[|] *' '
  /^#/ || NF < 3 { next }
  $2 == $3 { held++; next }
  { failed++; printf "REGRESSED %s: expected to %s, does %s\n", $1, $2, $3 }
  END { printf "%d of %d cases as expected\n", held, held + failed; exit failed > 0 }
' cases.txt
