//! What every store does: one list of cases, the same for each.
//!
//! A case is a plain function over a [`crate::Harness`] with an empty store; [`crate::store_conformance!`] makes a test of
//! each.

#![expect(missing_docs, reason = "the name of a case says what it is about")]
#![expect(
    clippy::items_after_statements,
    reason = "short names for states stand beside the comparison that uses them"
)]

pub mod cancel;
pub mod claim;
pub mod fence;
pub mod gate;
pub mod group;
pub mod history;
pub mod idempotency;
pub mod limit;
pub mod listing;
pub mod order;
pub mod outside;
pub mod payload;
pub mod placement;
pub mod repeat;
pub mod retry;
pub mod session;
pub mod spending;
pub mod submit;
pub mod task_type;
pub mod time;
pub mod token;
pub mod wait;

/// A test for each case: `store_conformance!(async { Arc::new(MemoryStore::new()) as Arc<dyn Store> });`. What the
/// expression gives must stay alive with the store; a pair of the store and what it needs is fine too.
#[macro_export]
macro_rules! store_conformance {
    ($open:expr) => {
        $crate::store_conformance!(@topic $open; cancel;
            a_tree_ends_at_once_or_is_told_to_stop nothing_grows_below_a_cancelled_task cancelling_twice_is_harmless
            a_cancelled_task_keeps_its_finished_steps a_lost_worker_of_a_cancelled_task_ends_it
            children_end_with_their_parent a_result_that_comes_after_the_cancel_does_not_count
            cancelling_while_others_spawn);
        $crate::store_conformance!(@topic $open; claim;
            each_task_is_granted_once urgent_first_then_in_order age_beats_priority only_what_fits
            labels_and_privacy preferences_order_and_do_not_exclude what_is_below_a_run_stays_with_it credit_is_a_bound paused_queues_grant_nothing a_session_can_change_what_it_offers);
        $crate::store_conformance!(@topic $open; fence;
            a_late_worker_changes_nothing leases_only_grow a_lease_is_for_one_task a_finished_lease_is_over
            once_tasks_need_a_person_after_a_loss too_many_losses_need_a_person);
        $crate::store_conformance!(@topic $open; gate;
            joins_follow_the_oracle chains_fall_like_dominoes settled_dependencies_count at_submission
            unknown_dependencies_are_refused circles_are_refused_and_shown batches_are_all_or_nothing
            late_dependents_of_a_failure_are_cancelled);
        $crate::store_conformance!(@topic $open; group;
            never_more_than_its_size a_retried_sibling_waits_for_its_place places_pass_on_whatever_ends groups_of_one_parent_are_apart
            a_group_that_comes_in_parts a_retried_fan_out_stays_bounded);
        $crate::store_conformance!(@topic $open; history;
            events_tell_the_whole_life after_yields_each_once trees_and_tasks_have_their_own logs_come_in_order
            seqs_strictly_grow old_trees_are_forgotten what_was_written_together_is_forgotten_apart stats_count
            what_happens_is_counted_by_the_minute);
        $crate::store_conformance!(@topic $open; idempotency;
            the_same_body_is_the_same_task another_body_is_a_conflict twice_in_one_batch from_many_at_once
            settled_tasks_still_answer graphs_can_be_repeated);
        $crate::store_conformance!(@topic $open; limit;
            never_more_than_max_running starts_a_minute tokens_a_minute rules_can_be_changed why_names_the_limit
            why_names_a_limit_of_a_pace);
        $crate::store_conformance!(@topic $open; listing;
            pages_are_stable_while_tasks_come filters_filter bad_cursors_are_refused trees_are_whole);
        $crate::store_conformance!(@topic $open; outside;
            people_answer_once nonsense_is_no_decision external_tasks_end_either_way only_external_tasks
            an_unanswered_checkpoint_takes_its_default checkpoints_are_told);
        $crate::store_conformance!(@topic $open; payload;
            a_megabyte_in_and_out unicode_stays_as_it_is deep_json microseconds every_field_comes_back);
        $crate::store_conformance!(@topic $open; placement;
            a_task_is_left_for_a_better_worker_for_a_while nobody_waits_for_one_that_cannot_take_it
            no_more_is_left_than_there_is_room_for load_is_shared room_follows_from_leases a_task_goes_on_where_it_was
            workspaces_are_kept_together who_fails_or_is_dear_comes_last starts_say_why_there
            why_says_for_whom_it_is_left);
        $crate::store_conformance!(@topic $open; repeat;
            every_item_takes_effect_once the_end_can_be_repeated children_are_unique_by_name
            a_name_stands_for_one_thing names_must_be_names);
        $crate::store_conformance!(@topic $open; retry;
            backoff_is_as_the_policy_says a_provider_may_ask_for_patience classes_decide
            a_retry_goes_on_from_its_steps only_what_has_ended_badly outlived_children_run_again
            what_was_cancelled_by_a_dependency);
        $crate::store_conformance!(@topic $open; session;
            silence_ends_a_session heartbeats_keep_it closing_gives_tasks_back unknown_sessions_claim_nothing
            renewals_say_what_to_stop renewals_say_what_is_held released_tasks_keep_their_place views_show_what_runs
            a_draining_worker_is_granted_nothing heartbeats_carry_the_load coming_draining_and_going_are_told);
        $crate::store_conformance!(@topic $open; spending;
            usage_adds_up_the_tree a_spent_budget_stops_the_tree pause_and_resume pausing_what_waits
            children_of_a_paused_task_wait);
        $crate::store_conformance!(@topic $open; submit;
            a_task_comes_back_as_it_was rules_are_named children_by_id no_children_of_the_dead
            what_is_not_there_is_said);
        $crate::store_conformance!(@topic $open; task_type;
            the_latest_announcement_counts some_can_be_asked_for any_name_and_any_schema_come_back);
        $crate::store_conformance!(@topic $open; time;
            a_task_starts_at_its_time a_missed_deadline_fails next_at_tells_when schedules_fire_once
            schedules_do_not_overlap schedules_can_be_changed);
        $crate::store_conformance!(@topic $open; token;
            tokens_are_found_by_their_digest a_revoked_token_is_gone);
        $crate::store_conformance!(@topic $open; wait;
            for_all for_any for_what_has_come_already for_a_time whichever_is_first waiting_holds_nothing
            nonsense_is_refused a_failed_child_counts);
    };
    (@topic $open:expr; $topic:ident; $($case:ident)*) => {
        mod $topic {
            use super::*;

            $(#[tokio::test]
            async fn $case() {
                let (store, _keep) = $open.await;
                let harness = $crate::Harness::new(store);
                $crate::store_suite::$topic::$case(&harness).await;
            })*
        }
    };
}

/// As [`store_conformance!`], for stores that let orders stand ([`orchestrator_core::store::Store::claim_or_order`]).
#[macro_export]
macro_rules! order_conformance {
    ($open:expr) => {
        $crate::store_conformance!(@topic $open; order;
            one_transaction_stores_and_grants only_the_rest_stands only_what_fits dropping_it_takes_it_back
            the_newest_counts not_for_those_who_are_gone whatever_makes_it_ready it_can_be_reconsidered
            each_task_is_granted_once);
    };
}
