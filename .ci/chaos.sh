#!/usr/bin/env bash
# Fleets of real processes that are killed, frozen and cut off, for longer than `make test` does it:
#
#   .ci/chaos.sh [SECONDS] [SEED]   storms for so long (300), beginning with this seed (drawn), each seed with another fleet
#                                   and other faults; beside them load under somebody's open transaction, and under
#                                   locks of rows that are written all the time, for as long
#   .ci/chaos.sh 0 SEED             one storm again: its faults and its load are drawn as they were
#
# ORCHESTRATOR_CHAOS_KEEP=1 keeps the logs, the database and the witness of a fleet that broke a promise.
source "$(dirname "$0")/lib.sh"

need_rust
need_services
export ORCHESTRATOR_CHAOS_SECONDS=${1:-300} ORCHESTRATOR_CHAOS_SEED=${2:-$RANDOM}
step "Building the fleet"
cargo test -p orchestrator-chaos --locked --no-run --quiet </dev/null
step "Storms for $ORCHESTRATOR_CHAOS_SECONDS s from seed $ORCHESTRATOR_CHAOS_SEED on"
cargo test -p orchestrator-chaos --locked --test chaos -- --nocapture --test-threads 3 storm \
  a_transaction_stays_open somebody_holds_rows </dev/null
step_end
