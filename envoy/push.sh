#!/usr/bin/env bash
# Pushes a policy to a running Envoy that watches a file, as `bootstrap.yaml` does.
#
#   envoy/push.sh POLICY.json [ECDS.yaml]
#
# Puts the policy into a copy of ECDS.yaml (default: envoy/ecds/breakglass.yaml) and renames the copy over it: Envoy watches for renames and
# never sees half a file. Whether the filter took the policy is in Envoy's log and in its counters:
#   curl -s '127.0.0.1:9901/stats?filter=extension_config_discovery.*update_'
set -euo pipefail

die() { printf 'push: %s\n' "$*" >&2; exit 1; }

[[ $# -eq 1 || $# -eq 2 ]] || die "usage: envoy/push.sh POLICY.json [ECDS.yaml]"
policy="$1"
ecds="${2:-$(dirname -- "${BASH_SOURCE[0]}")/ecds/breakglass.yaml}"
[[ -r "$policy" ]] || die "cannot read $policy"
[[ -w "$ecds" ]] || die "cannot write $ecds"
[[ "$(grep -c '^ *value: |$' "$ecds")" == 1 ]] || die "$ecds does not hold one policy below \`value: |\`"

# Beside the old file: a rename from another directory or file system is none that Envoy sees.
new="$(mktemp "$ecds.XXXXXX")"
trap 'rm -f -- "$new"' EXIT
# Everything up to the policy, then the policy, indented to stand below its key.
indent="$(sed -n 's/^\( *\)value: |$/\1  /p' "$ecds")"
{
  sed '/^ *value: |$/q' "$ecds"
  sed "s/^/$indent/" "$policy"
} > "$new"
chmod --reference="$ecds" "$new" 2>/dev/null || chmod 644 "$new"
mv -- "$new" "$ecds"
