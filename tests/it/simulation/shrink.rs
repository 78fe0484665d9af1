//! From a list that fails to a short one that fails in the same way.

use super::action::Action;

/// Leaves out whatever is not needed (ddmin): halves first, then ever smaller pieces. Asks at most so often.
pub async fn shrink<Fails: AsyncFnMut(&[Action]) -> bool>(
    actions: &[Action],
    mut most: usize,
    mut fails: Fails,
) -> Vec<Action> {
    let mut list = actions.to_vec();
    let mut piece = list.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        while at < list.len() {
            if most == 0 {
                return list;
            }
            most -= 1;
            let end = (at + piece).min(list.len());
            let without = [&list[..at], &list[end..]].concat();
            if fails(&without).await {
                list = without;
            } else {
                at = end;
            }
        }
        piece /= 2;
    }
    list
}

#[cfg(test)]
mod tests {
    use super::super::action::{read, told};
    use super::*;

    #[tokio::test]
    async fn what_is_not_needed_goes() {
        let list =
            read("submit 1; run 0; next; seal; run 1; steal; work; unseal; delete 1; next; run 2");
        let mut asked = 0;
        let short = shrink(&list, 1000, async |list| {
            asked += 1;
            let at = |action| list.iter().position(|it| *it == action);
            at(Action::Seal)
                .zip(at(Action::Delete(1)))
                .is_some_and(|(seal, delete)| seal < delete)
        })
        .await;
        assert_eq!(told(&short), "seal; delete 1");
        assert!(asked < 60, "{asked}");
        let long = shrink(&list, 1, async |_| false).await;
        assert_eq!(long, list, "it asks no more often than it may");
    }
}
