#!/bin/sh
# Gives Kafka's topics to those who need them: acl.md says who and why. Safe to repeat. Run inside the broker's container,
# or where BOOTSTRAP_SERVER is a listener on its loopback: only from there permissions may be changed afterwards.
set -eu

: "${KAFKA_ACLS:=/opt/kafka/bin/kafka-acls.sh}" "${BOOTSTRAP_SERVER:=127.0.0.1:9094}"
: "${CHANNEL_WEB_ADDRESS:?}" "${CHANNEL_PHONE_ADDRESS:?}" "${CHANNEL_COUNTER_ADDRESS:?}"

allow() { "$KAFKA_ACLS" --bootstrap-server "$BOOTSTRAP_SERVER" --add --force "$@"; }

# The services of Parcours have no name on their listener (PLAINTEXT): there, the network decides who is one.
services="User:ANONYMOUS"

allow --allow-principal "$services" --operation All \
    --topic journey-events --topic frictions --topic rejected-events --topic alerts --topic detector-state
allow --allow-principal "$services" --operation All --group '*'
allow --allow-principal "$services" --operation All --transactional-id '*'

# `setup` makes topics; that they exist, and how they are set, is no secret. Only their gateway reads the raw topics.
allow --allow-principal "$services" --operation Describe --operation DescribeConfigs --operation Create \
    --topic channel-web --topic channel-phone --topic channel-counter
allow --allow-principal "$services" --allow-host "$CHANNEL_WEB_ADDRESS" --operation Read --topic channel-web
allow --allow-principal "$services" --allow-host "$CHANNEL_PHONE_ADDRESS" --operation Read --topic channel-phone
allow --allow-principal "$services" --allow-host "$CHANNEL_COUNTER_ADDRESS" --operation Read --topic channel-counter

# Channel systems write to their own topic, under a name of their own.
for writer in ${CHANNEL_WEB_WRITERS:-}; do
    allow --allow-principal "$writer" --operation Write --topic channel-web
done
for writer in ${CHANNEL_PHONE_WRITERS:-}; do
    allow --allow-principal "$writer" --operation Write --topic channel-phone
done
for writer in ${CHANNEL_COUNTER_WRITERS:-}; do
    allow --allow-principal "$writer" --operation Write --topic channel-counter
done

# Last, since from here on only the broker's own loopback may change permissions: the node itself, and who administers it.
allow --allow-principal "$services" --allow-host 127.0.0.1 --operation All --cluster
allow --allow-principal "$services" --operation Describe --operation Create --cluster
