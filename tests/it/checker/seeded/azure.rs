//! The same on Azure, where names are ids, removals take their time, and secrets lie in Key Vault.

use super::{Breach, Else, LATER, Rows, done, object, workspace};
use crate::checker::Evidence;
use crate::checker::facts::{public, text};
use crate::support::steering::ask;
use crate::support::stores::Store;
use crate::support::{Builder, SPEED, TestApp, simulate};
use brickyard::dev;
use brickyard::domain::cloud::{Cloud, ComputeMode};
use simulator::{Arrival, Call, Fault, FaultKind};
use std::time::Duration;

/// `alpha` is ready, in the place of one that Azure could not build; `beta` is deleted.
pub(super) async fn world() -> TestApp {
    let simulator = simulate(SPEED).await;
    simulator.fault(Fault::new(FaultKind::RetryAfterZero).times(0));
    let objects = dev::objects(Cloud::Azure, ComputeMode::Classic);
    let kept = objects.replace("keep_failed_seconds = 0", "keep_failed_seconds = 86400");
    let builder = Builder {
        cloud: Cloud::Azure,
        store: Store::Azure,
        simulator: Some(simulator),
        template: format!("{kept}{}", dev::VNET),
        ..Builder::default()
    };
    let app = builder.start().await;
    app.fault(Fault::new(FaultKind::WorkspaceFails).workspace("alpha"));
    let create = app.create("alpha").await;
    let failed = app.done(&create).await;
    assert_eq!(failed["status"], "failed", "{failed:#}");
    app.phase(&create, "failed").await;
    let retry = ask(&app, &failed, "retry").await;
    done(&app, &retry.body).await;
    app.ready("beta").await;
    app.removed("beta").await;
    app
}

impl Evidence {
    /// Two arrivals about something change places.
    fn swap(&mut self, name: &str, [one, other]: [Call; 2]) {
        let (one, other) = (self.arrived(one, name), self.arrived(other, name));
        self.arrivals.swap(one, other);
    }

    /// A removal of something of somebody else's.
    fn removes(&mut self, call: Call, theirs: &str) {
        let mut removal: Arrival = self.arrivals[self.arrived(call, "beta")].clone();
        removal.object = Some(theirs.to_owned());
        self.arrivals.push(removal);
    }
}

#[rustfmt::skip]
pub(super) const BREACHES: &[(&str, &str, Breach)] = &[
    ("I1", "one was made while the first was there", Else(|it| it.again(Call::ArmCreateWorkspace, "beta", LATER))),
    ("I1", "one was made in the place of one that was there", Else(|it| it.arrivals.retain(|it| it.call != Call::ArmDeleteWorkspace))),
    ("I1", "there are two, the second by its number", Else(|it| {
        let mut twin = it.inventory.workspaces[0].clone();
        twin.id += 1;
        twin.tags.clear();
        let first = twin.name.strip_suffix("-2").expect("a replacement");
        twin.name = format!("{first}-3");
        it.inventory.workspaces.push(twin);
    })),
    ("I2", "a security group of a deleted one", Else(|it| {
        let left = object(it.part("beta", "network"));
        it.inventory.security_groups.push(left);
    })),
    ("I2", "a network of a deleted one", Else(|it| {
        let left = object(it.part("beta", "network"));
        it.inventory.networks.push(left);
    })),
    ("I4", "the secret is gone", Else(|it| it.inventory.secrets.clear())),
    ("I4", "another version is current", Else(|it| {
        let secret = it.inventory.secrets.values_mut().next().expect("a secret");
        secret.current = Some("another".to_owned());
    })),
    ("I4", "another version is recorded", Rows(|_| "update tokens set secret_version = '1' where status = 'active'".to_owned())),
    ("I4", "another token is written beside it", Else(|it| {
        let secret = it.inventory.secrets.values_mut().next().expect("a secret");
        secret.metadata.insert("brickyard-about-token_id".to_owned(), "another".to_owned());
    })),
    ("I4", "a deleted workspace left its secret", Else(|it| {
        let path = text(&it.named("beta")["spec"]["secret"], "path").replace('/', "--");
        let id = public("ws", text(it.named("beta"), "id"));
        let mut left = it.inventory.secrets.values().next().expect("a secret").clone();
        left.metadata.insert("brickyard-about-workspace".to_owned(), id);
        it.inventory.secrets.insert(path, left);
    })),
    ("I9", "a workspace was asked for again at once", Else(|it| {
        it.again(Call::ArmCreateWorkspace, "beta", Duration::from_millis(500));
        let second = it.arrived(Call::ArmCreateWorkspace, "beta") + 1;
        it.arrivals[second].acted = false;
    })),
    ("I9", "a network was asked for again before the answer", Else(|it| {
        let first = it.arrived(Call::ArmPutVnet, "beta");
        it.arrivals[first].until = None;
        it.again(Call::ArmPutVnet, "beta", Duration::from_millis(500));
    })),
    ("I12", "it did not wait", Else(|it| {
        let told = it.arrived(Call::ArmPutVnet, "beta");
        it.arrivals[told].status = Some(429);
        it.arrivals[told].retry_after = Some(100);
    })),
    ("I13", "the workspace went after its network", Else(|it| it.swap("beta", [Call::ArmDeleteWorkspace, Call::ArmDeleteVnet]))),
    ("I13", "the network went after what guards it", Else(|it| it.swap("beta", [Call::ArmDeleteVnet, Call::ArmDeleteNsg]))),
    ("I13", "somebody else's network was removed", Else(|it| it.removes(Call::ArmDeleteVnet, "theirs"))),
    ("I13", "a workspace was removed whose name only begins like ours", Else(|it| {
        let name = it.arrivals[it.arrived(Call::ArmDeleteWorkspace, "beta")].object.clone();
        it.removes(Call::ArmDeleteWorkspace, &format!("{}-copy", name.expect("a name")));
    })),
    ("I13", "a resource group was removed", Else(|it| {
        let mut removal = it.arrivals[it.arrived(Call::ArmDeleteVnet, "beta")].clone();
        (removal.call, removal.object) = (Call::ArmDeleteGroup, Some("workspaces".to_owned()));
        it.arrivals.push(removal);
    })),
    ("I13", "a given network was removed", Rows(|it| {
        let path = &it.arrivals[it.arrived(Call::ArmDeleteVnet, "beta")].path;
        workspace(it, "beta", &format!("spec = jsonb_set(spec, '{{network}}', '{{\"vnet_id\": \"{path}\"}}')"))
    })),
    ("I13", "the secret outlived its workspace", Else(|it| it.arrivals.retain(|it| it.call != Call::StoreDelete))),
];
