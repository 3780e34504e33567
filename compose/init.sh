#!/bin/sh
# Makes .env from env.example, with new random passwords. One that is there keeps all but the
# versions of others' images, which come with each new version of Hintline.
set -eu
cd "$(dirname "$0")"
umask 077
if [ -e .env ]; then
  cp .env .env.new
  [ -z "$(tail -c 1 .env)" ] || echo >> .env.new
  grep '^[A-Z]*_IMAGE=' env.example | while IFS== read -r name image; do
    if grep -q "^$name=" .env; then
      sed -e "s|^$name=.*|$name=$image|" .env.new > .env.newer && mv .env.newer .env.new
    else
      echo "$name=$image" >> .env.new
    fi
  done
  mv .env.new .env
  echo "compose/.env is there already; the images in it are now those of env.example."
  exit
fi
secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
postgres=$(secret) valkey=$(secret)
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
