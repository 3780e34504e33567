#!/bin/sh
# Makes .env from env.example, with new random passwords. One that is there is left alone.
set -eu
cd "$(dirname "$0")"
if [ -e .env ]; then
  echo "compose/.env is there already."
  exit
fi
secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
postgres=$(secret) valkey=$(secret)
umask 077
sed -e "s|^POSTGRES_PASSWORD=$|&$postgres|" \
    -e "s|^DATABASE_URL=$|&postgresql://hintline:$postgres@postgres:5432/hintline|" \
    -e "s|^VALKEY_PASSWORD=$|&$valkey|" \
    -e "s|^REDIS_URL=$|&redis://:$valkey@valkey:6379/0|" \
    -e "s|^HINTLINE_SECRET_KEY=$|&$(secret)$(secret)|" \
    -e "s|^VLLM_API_KEY=$|&$(secret)|" \
    -e "s|^GRAFANA_PASSWORD=$|&$(secret)|" \
    -e "s|^FLOWER_PASSWORD=$|&$(secret)|" env.example > .env.new
mv .env.new .env
echo "compose/.env is made: look at HINTLINE_HOSTS in it, then: docker compose up -d"
