//! Lists that failed once, by what was wrong.

use super::place::Place;
use super::replay;

/// A removal that had begun when its time came was said to be resumed by everybody who asked for it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_has_begun_is_not_resumed() {
    replay(
        Place::Aws,
        0,
        "workspace_fails create_workspace; submit 0; work; advance 480; work; advance 700; run 0; run 0; delete 0",
    )
    .await;
}

/// A worker that was frozen while it looked at the secret of a workspace to be removed removed its successor's.
#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_removal_leaves_the_secret_of_the_next_workspace_alone() {
    replay(
        Place::Aws,
        0,
        "submit 1; work; advance 480; work; work; delete 1; hold_answer store_metadata_get; run 0; advance 31; work; \
         work; submit 1; work; advance 480; work; work; resume",
    )
    .await;
}

/// A removal that was accepted and failed was waited for until its deadline, and never asked for again.
#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_failed_over_there_is_asked_for_again() {
    replay(
        Place::Azure,
        0,
        "submit 1; work; advance 480; work; work; arm_fails arm_delete_workspace; delete 1; work",
    )
    .await;
}

/// What a put had begun to bring back was not seen by the removal that came right after it, and stayed.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_brought_back_is_waited_for_and_removed() {
    replay(
        Place::Azure,
        1_795_921_105,
        "submit 2; submit 0; work; work; delete 0; work; submit 0; work; delete 0",
    )
    .await;
}

/// What tags there are shows late: that one to be taken away was not seen was taken for its being gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_does_not_show_is_taken_away_too() {
    replay(
        Place::Aws,
        67,
        "tags_late create_workspace; submit 2; work; advance 480; work; tag 2; work; tag 2; work; tag 2; work",
    )
    .await;
}
