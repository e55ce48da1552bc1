#!/bin/sh
# check_symbols.sh MAX_BYTES ARCHIVE...: no archive may need a C++ library symbol; text + data of all must fit MAX_BYTES.
limit=$1
shift
bad=$(nm --undefined-only "$@" | awk '$1 == "U" && $2 ~ /^(_ZSt|_ZNSt|_ZNKSt|_Zn[wa]|_Zd[la]|_ZTV|_ZTI|__cxa_|__gxx_|_Unwind_)/ && $2 != "__cxa_atexit" { print $2 }' | sort -u)
if [ -n "$bad" ]; then
  echo "symbols of a C++ library are needed:"
  echo "$bad"
  exit 1
fi
bytes=$(size "$@" | awk 'NR > 1 && $1 ~ /^[0-9]+$/ { sum += $1 + $2 } END { print sum }')
echo "text + data: $bytes bytes, at most $limit"
[ "$bytes" -gt 0 ] && [ "$bytes" -le "$limit" ]
