//! The kinds of things there are outside, on whatever cloud: which call makes one and which removes it.

use super::Evidence;
use super::facts::upstream;
use serde_json::Value;
use simulator::{Arrival, Call};

/// A kind.
pub(super) struct Kind {
    /// Makes one.
    pub(super) create: Call,
    /// Removes one.
    pub(super) removal: Call,
    /// What is known of its name, and of making it again.
    pub(super) nature: Nature,
}

/// What tells kinds apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    /// A workspace: its name is that of the request, and what is made of it goes first.
    Workspace,
    /// Named by its marker. A second call makes a second one.
    Counted,
    /// Named by its marker. A second call sets the same state once more.
    Set,
}

use Nature::{Counted, Set, Workspace};

/// All of them, in the order in which they may be removed: what is made of several goes after what is made of it.
pub(super) const KINDS: [Kind; 9] = [
    Kind::new(
        Call::CreateServicePrincipal,
        Call::DeleteServicePrincipal,
        Counted,
    ),
    Kind::new(Call::CreateWorkspace, Call::DeleteWorkspace, Workspace),
    Kind::new(
        Call::ArmCreateWorkspace,
        Call::ArmDeleteWorkspace,
        Workspace,
    ),
    Kind::new(Call::CreateNetwork, Call::DeleteNetwork, Counted),
    Kind::new(Call::ArmPutVnet, Call::ArmDeleteVnet, Set),
    Kind::new(Call::ArmPutNsg, Call::ArmDeleteNsg, Set),
    Kind::new(Call::CreateStorage, Call::DeleteStorage, Counted),
    Kind::new(Call::CreateCredentials, Call::DeleteCredentials, Counted),
    // Nobody here makes one.
    Kind::new(Call::ArmPutGroup, Call::ArmDeleteGroup, Set),
];

impl Kind {
    const fn new(create: Call, removal: Call, nature: Nature) -> Self {
        Self {
            create,
            removal,
            nature,
        }
    }

    /// What this call makes.
    pub(super) fn made_by(call: Call) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.create == call)
    }

    /// What this call removes, and where it stands in the order.
    pub(super) fn removed_by(call: Call) -> Option<(usize, &'static Self)> {
        let mut kinds = KINDS.iter().enumerate();
        kinds.find(|(_, kind)| kind.removal == call)
    }

    pub(super) fn is_workspace(&self) -> bool {
        self.nature == Workspace
    }
}

/// Whether a workspace outside has the name of this one. Where names are ids, one that replaces another is numbered.
pub(super) fn is_named(row: &Value, name: &str) -> bool {
    let Some(rest) = name.strip_prefix(&upstream(row)) else {
        return false;
    };
    let number = rest.strip_prefix('-').map(str::parse::<u32>);
    rest.is_empty() || matches!(number, Some(Ok(2..)))
}

impl Evidence {
    /// Whether a thing of this kind and name is this workspace's.
    pub(super) fn is_of(&self, row: &Value, kind: &Kind, name: &str) -> bool {
        match kind.nature {
            Workspace => is_named(row, name),
            Counted | Set => name.starts_with(&self.marker(row)),
        }
    }

    /// What arrived that had its effect on a workspace outside that is this one.
    pub(super) fn acted<'a>(
        &'a self,
        row: &'a Value,
        is_meant: impl Fn(&Kind, Call) -> bool + 'a,
    ) -> impl Iterator<Item = &'a Arrival> {
        let kinds = KINDS.iter().filter(|kind| kind.is_workspace());
        let arrivals = self.arrivals.iter().filter(|it| it.acted);
        arrivals.filter(move |it| {
            let name = it.object.as_deref().unwrap_or_default();
            kinds.clone().any(|kind| is_meant(kind, it.call)) && is_named(row, name)
        })
    }
}

/// Whether a path is that of the thing with this id, which on Azure is a path itself.
pub(super) fn is_path_of(path: &str, id: &str) -> bool {
    let rest = path.strip_suffix(id);
    !id.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}
