//! Where a world is: the cloud in which workspaces are made, and the store to which tokens are delivered.

use crate::support::stores::Store;
use crate::support::variants::{behind, outside, sent};
use brickyard::dev;
use brickyard::domain::cloud::{Cloud, ComputeMode};
use brickyard::provisioning::step::{self, Kind};
use simulator::{Call, FaultKind};

/// A cloud and a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// AWS, with Vault.
    Aws,
    /// Azure, with Key Vault.
    Azure,
    /// AWS, with Azure's Key Vault.
    AwsAndKeyVault,
    /// Azure, with Vault.
    AzureAndVault,
    /// AWS, with Secrets Manager.
    AwsAndSecretsManager,
}

/// What is called there.
pub struct Calls {
    /// What makes or sets something, and is struck most.
    pub creates: Vec<Call>,
    /// The other calls of a workspace's life.
    pub others: Vec<Call>,
    /// What asks for the workspace itself.
    pub workspace: Call,
    /// What changes it.
    pub update: Call,
    /// What befalls that which is made or removed, and by which call.
    pub fates: Vec<(FaultKind, Call)>,
}

impl Place {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Aws,
        Self::Azure,
        Self::AwsAndKeyVault,
        Self::AzureAndVault,
        Self::AwsAndSecretsManager,
    ];

    /// That of a seed.
    pub fn of(seed: u64) -> Self {
        let place = seed % Self::ALL.len() as u64;
        Self::ALL[place as usize]
    }

    pub fn cloud(self) -> Cloud {
        match self {
            Self::Aws | Self::AwsAndKeyVault | Self::AwsAndSecretsManager => Cloud::Aws,
            Self::Azure | Self::AzureAndVault => Cloud::Azure,
        }
    }

    pub fn store(self) -> Store {
        match self {
            Self::Aws | Self::AzureAndVault => Store::Vault,
            Self::Azure | Self::AwsAndKeyVault => Store::Azure,
            Self::AwsAndSecretsManager => Store::Aws,
        }
    }

    /// Whether the store itself refuses a put that comes too late.
    pub fn compares(self) -> bool {
        !matches!(self.store(), Store::Azure)
    }

    /// Whether its workers share a process: what one is told to wait for, all wait for. Not where the store does not
    /// compare: there a put waits for another one in its process, and one that is frozen would freeze all.
    pub fn is_one_process(self) -> bool {
        self.compares()
    }

    /// Keys of the template that most workspaces are made from.
    pub fn sandbox(self) -> String {
        let objects = dev::objects(self.cloud(), ComputeMode::Classic);
        match self.cloud() {
            Cloud::Aws => objects.to_owned(),
            Cloud::Azure => format!("{objects}{}", dev::VNET),
        }
    }

    /// The same with a network of its own, where what fails is kept for a while, and what Azure keeps by default for
    /// good.
    pub fn kept(self) -> String {
        let objects = dev::objects(self.cloud(), ComputeMode::Classic)
            .replace("keep_failed_seconds = 0", "keep_failed_seconds = 600")
            .replace("force_deletion = true", "");
        let network = match self.cloud() {
            Cloud::Aws => dev::VPC,
            Cloud::Azure => dev::VNET,
        };
        format!("{objects}{network}")
    }

    /// What is called there: always the same, in the same order.
    pub fn calls(self) -> Calls {
        let mut sent = sent(self.cloud());
        // A question to DNS has no answer that could be lost or held.
        sent.retain(|(call, _)| *call != Call::Dns);
        if matches!(self.store(), Store::Azure) {
            sent.retain(|(call, _)| *call != Call::StoreCapabilities);
            sent.push((Call::StoreDeletedGet, Kind::Wait));
            sent.push((Call::StoreRestore, Kind::Put));
        }
        if matches!(self.store(), Store::Aws) {
            sent.retain(|(call, _)| *call != Call::StoreCapabilities);
            sent.push((Call::StoreStage, Kind::Put));
            sent.push((Call::StoreRestore, Kind::Put));
        }
        let makes = |kind| matches!(kind, Kind::Create | Kind::Mint | Kind::Put);
        let (creates, others): (Vec<_>, Vec<_>) = sent.into_iter().partition(|it| makes(it.1));
        let names = |sent: Vec<(Call, Kind)>| sent.into_iter().map(|(call, _)| call).collect();
        Calls {
            creates: names(creates),
            others: names(others),
            workspace: behind(self.cloud(), step::Call::CreateWorkspace)[0].0,
            update: outside(self.cloud(), step::Call::UpdateWorkspace)[0],
            fates: self.fates(),
        }
    }

    fn fates(self) -> Vec<(FaultKind, Call)> {
        use FaultKind as K;
        let mut fates = match self.cloud() {
            Cloud::Aws => [
                K::WorkspaceFails,
                K::ListLag,
                K::TagsLate,
                K::DnsLate,
                K::NetworkLingers,
                K::IamNotPropagated,
            ]
            .map(|kind| (kind, Call::CreateWorkspace))
            .to_vec(),
            // Tags are the resource's own there: they do not come late.
            Cloud::Azure => vec![
                (K::WorkspaceFails, Call::ArmCreateWorkspace),
                (K::ListLag, Call::ArmCreateWorkspace),
                (K::DnsLate, Call::ArmCreateWorkspace),
                (K::SucceededWithoutUrl, Call::ArmCreateWorkspace),
                (K::ProviderNotRegistered, Call::ArmCreateWorkspace),
                (K::ArmError, Call::ArmCreateWorkspace),
                (K::ArmFails, Call::ArmPutNsg),
                (K::ArmFails, Call::ArmPutVnet),
                (K::ArmFails, Call::ArmUpdateWorkspace),
                (K::ArmFails, Call::ArmDeleteWorkspace),
                (K::GroupLingers, Call::ArmDeleteWorkspace),
                (K::ArmFails, Call::ArmDeleteVnet),
                (K::ArmFails, Call::ArmDeleteNsg),
            ],
        };
        if matches!(self.store(), Store::Azure) {
            fates.push((K::RecoverLate, Call::StoreRestore));
        }
        fates
    }
}
