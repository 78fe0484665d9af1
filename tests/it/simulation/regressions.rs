//! Lists that failed once, by what was wrong.

use super::replay;

/// A removal that had begun when its time came was said to be resumed by everybody who asked for it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_has_begun_is_not_resumed() {
    replay(
        0,
        "workspace_fails create_workspace; submit 0; work; advance 480; work; advance 700; run 0; run 0; delete 0",
    )
    .await;
}
