//! Lists that each run into one defence: without it they end badly. Here, where time jumps, one can be waited for that
//! lasts minutes.

use super::place::Place;
use super::replay;

/// A permit says that something may have been made, until it is certain that it was not.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_and_a_list_that_lags_make_no_second_workspace() {
    replay(
        Place::Aws,
        0,
        "list_lag create_workspace; answer_lost create_workspace; submit 1; work; advance 480; work",
    )
    .await;
}

/// A request that is still on its way is known to the successor by its permit.
#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_lands_after_its_sender_was_replaced_is_the_only_one() {
    replay(
        Place::Aws,
        0,
        "hold_request create_workspace; submit 1; run 0; run 0; run 0; steal; run 1; run 1; run 1; resume; work; \
         advance 480; work",
    )
    .await;
}

/// What it saw before it was replaced is no reason to send anything.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_replaced_while_it_looked_sends_nothing() {
    replay(
        Place::Aws,
        0,
        "hold_answer create_storage; submit 1; run 0; run 0; run 0; hold_answer list_workspaces; resume; steal; run 1; \
         run 1; run 1; resume; work; advance 480; work",
    )
    .await;
}

/// Its answer comes when its successor is further on.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_replaced_writes_no_checkpoint() {
    replay(
        Place::Aws,
        0,
        "hold_answer create_storage; submit 1; run 0; run 0; run 0; steal; run 1; run 1; run 1; resume; work",
    )
    .await;
}

/// A token whose value was lost is of no use to anybody.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_token_is_revoked_before_another_is_minted() {
    replay(
        Place::Aws,
        0,
        "answer_lost mint_token_on_behalf; submit 1; work; advance 480; work; work",
    )
    .await;
}

/// The removal waits until the create has stopped, which may be in the middle of a call.
#[tokio::test(flavor = "multi_thread")]
async fn a_removal_takes_over_only_what_nobody_is_at() {
    replay(
        Place::Aws,
        0,
        "hold_answer create_storage; submit 1; run 0; run 0; run 0; delete 1; run 1; run 1; run 1; resume; work",
    )
    .await;
}

/// What landed just before its sender gave up is in no list for a while.
#[tokio::test(flavor = "multi_thread")]
async fn absence_is_no_proof_before_lists_have_settled() {
    replay(
        Place::Aws,
        0,
        "list_lag create_workspace; hold_request create_workspace; submit 1; run 0; run 0; run 0; advance 55; run 1; \
         run 1; run 1; resume; work; advance 480; work",
    )
    .await;
}

/// Neither is it for a removal, which would leave it behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_removal_looks_for_what_may_have_been_made_until_it_is_certain() {
    replay(
        Place::Aws,
        0,
        "list_lag create_workspace; answer_lost create_workspace; submit 1; run 0; run 0; run 0; delete 1; work; \
         advance 480; work",
    )
    .await;
}

/// A change that is still on its way would go over the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_may_still_arrive_is_waited_for() {
    replay(
        Place::Aws,
        0,
        "submit 1; work; advance 480; work; hold_request update_workspace; tag 1; run 0; steal; run 1; run 1; tag 1; \
         run 1; resume; work",
    )
    .await;
}
