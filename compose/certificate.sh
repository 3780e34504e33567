#!/bin/sh
# sh compose/certificate.sh FOLDER: a self-signed certificate for HINTLINE_HOSTS. One that is there
# already is left alone. (openssl is in every Debian image that has ca-certificates.)
set -euf
cd "$1"
chain=fullchain.pem key=privkey.pem
[ -e $chain ] && [ -e $key ] && exit
for name in $chain $key; do
  if [ -e $name ]; then
    echo "$1 has $name alone: it needs $chain and $key" >&2
    exit 1
  fi
done
names=
IFS=,
for host in ${HINTLINE_HOSTS:-localhost}; do
  host=${host#[}
  host=${host%]}
  case $host in
    '') ;;
    *:*) names=$names,IP:$host ;;
    *[!0-9.]*) names=$names,DNS:$host ;;
    *) names=$names,IP:$host ;;
  esac
done
# Apple's systems trust no certificate for more than 825 days, whoever has signed it. The system's
# own configuration would make an authority of it.
openssl req -x509 -config /dev/null -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
  -days 825 -subj /CN=Hintline -addext "subjectAltName=${names#,}" \
  -addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth \
  -keyout $key -out $chain
