//! Every route of the simulated world by name: faults strike calls, the log speaks of calls.

/// An enum whose variants carry their wire name and, as doc comment, their line in a catalogue.
macro_rules! closed_list {
    ($(#[$meta:meta])* pub enum $name:ident { $( $(#[doc = $doc:literal])+ $variant:ident = $text:literal, )+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $( $(#[doc = $doc])+ #[serde(rename = $text)] $variant, )+ }

        impl $name {
            /// All of them, in the order of the catalogue.
            pub const ALL: &'static [$name] = &[$( $name::$variant, )+];

            /// The name on the wire.
            pub fn name(self) -> &'static str {
                match self { $( $name::$variant => $text, )+ }
            }

            /// What it is, in one line.
            pub fn about(self) -> &'static str {
                match self { $( $name::$variant => concat!($($doc),+).trim(), )+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
pub(crate) use closed_list;

closed_list! {
/// A route of the simulated world.
pub enum Call {
    /// OAuth token of the account.
    AccountToken = "account_token",
    /// OAuth token of a workspace.
    WorkspaceToken = "workspace_token",
    /// Databricks' discovery documents, account and workspace hosts.
    Discovery = "discovery",
    /// POST credentials.
    CreateCredentials = "create_credentials",
    /// GET all credentials.
    ListCredentials = "list_credentials",
    /// GET one credentials object.
    GetCredentials = "get_credentials",
    /// DELETE credentials.
    DeleteCredentials = "delete_credentials",
    /// POST storage-configurations.
    CreateStorage = "create_storage",
    /// GET all storage-configurations.
    ListStorage = "list_storage",
    /// GET one storage configuration.
    GetStorage = "get_storage",
    /// DELETE a storage configuration.
    DeleteStorage = "delete_storage",
    /// POST networks.
    CreateNetwork = "create_network",
    /// GET all networks.
    ListNetworks = "list_networks",
    /// GET one network.
    GetNetwork = "get_network",
    /// DELETE a network.
    DeleteNetwork = "delete_network",
    /// POST workspaces.
    CreateWorkspace = "create_workspace",
    /// GET all workspaces.
    ListWorkspaces = "list_workspaces",
    /// GET one workspace.
    GetWorkspace = "get_workspace",
    /// PATCH a workspace.
    UpdateWorkspace = "update_workspace",
    /// DELETE a workspace.
    DeleteWorkspace = "delete_workspace",
    /// POST ServicePrincipals (account SCIM).
    CreateServicePrincipal = "create_service_principal",
    /// GET ServicePrincipals (account SCIM).
    ListServicePrincipals = "list_service_principals",
    /// GET one service principal.
    GetServicePrincipal = "get_service_principal",
    /// DELETE a service principal.
    DeleteServicePrincipal = "delete_service_principal",
    /// PUT a permission assignment of a workspace.
    AssignPrincipal = "assign_principal",
    /// GET the permission assignments of a workspace.
    ListAssignments = "list_assignments",
    /// DELETE a permission assignment of a workspace.
    UnassignPrincipal = "unassign_principal",
    /// GET scim/v2/Me of a workspace.
    Me = "me",
    /// GET permissions/authorization/tokens.
    GetTokenPermissions = "get_token_permissions",
    /// PATCH permissions/authorization/tokens.
    TokenPermissions = "token_permissions",
    /// POST token/create.
    MintToken = "mint_token",
    /// POST token-management/on-behalf-of/tokens.
    MintTokenOnBehalf = "mint_token_on_behalf",
    /// GET token/list.
    ListTokens = "list_tokens",
    /// GET token-management/tokens.
    ListTokensAsAdmin = "list_tokens_as_admin",
    /// GET token-management/tokens/{id}.
    GetTokenAsAdmin = "get_token_as_admin",
    /// POST token/delete.
    RevokeToken = "revoke_token",
    /// DELETE token-management/tokens/{id}.
    RevokeTokenAsAdmin = "revoke_token_as_admin",
    /// GET clusters/spark-versions.
    SparkVersions = "spark_versions",
    /// Entra ID: POST oauth2/v2.0/token and oauth2/token.
    EntraToken = "entra_token",
    /// Entra ID's documents that clients start from.
    EntraDiscovery = "entra_discovery",
    /// A managed identity's token, from a machine or from an app service.
    ManagedIdentityToken = "managed_identity_token",
    /// Azure: PUT a workspace.
    ArmCreateWorkspace = "arm_create_workspace",
    /// Azure: GET a workspace.
    ArmGetWorkspace = "arm_get_workspace",
    /// Azure: GET the workspaces of a group or of the subscription.
    ArmListWorkspaces = "arm_list_workspaces",
    /// Azure: PATCH a workspace's tags.
    ArmUpdateWorkspace = "arm_update_workspace",
    /// Azure: DELETE a workspace.
    ArmDeleteWorkspace = "arm_delete_workspace",
    /// Azure: GET what became of something that takes a while.
    ArmOperationStatus = "arm_operation_status",
    /// Azure: GET a resource group.
    ArmGetGroup = "arm_get_group",
    /// Azure: PUT a resource group.
    ArmPutGroup = "arm_put_group",
    /// Azure: DELETE a resource group with all that is in it.
    ArmDeleteGroup = "arm_delete_group",
    /// Azure: GET the resources of a group.
    ArmListGroupResources = "arm_list_group_resources",
    /// Azure: GET whether a resource provider is registered.
    ArmGetProvider = "arm_get_provider",
    /// Azure: POST the registration of a resource provider.
    ArmRegisterProvider = "arm_register_provider",
    /// Azure: POST what policies would say to a resource.
    ArmCheckPolicies = "arm_check_policies",
    /// Azure: GET how much of its network quotas a subscription uses.
    ArmListNetworkUsages = "arm_list_network_usages",
    /// Azure: PUT a network security group.
    ArmPutNsg = "arm_put_nsg",
    /// Azure: GET a network security group.
    ArmGetNsg = "arm_get_nsg",
    /// Azure: GET all network security groups.
    ArmListNsgs = "arm_list_nsgs",
    /// Azure: DELETE a network security group.
    ArmDeleteNsg = "arm_delete_nsg",
    /// Azure: PUT a virtual network with its subnets.
    ArmPutVnet = "arm_put_vnet",
    /// Azure: GET a virtual network.
    ArmGetVnet = "arm_get_vnet",
    /// Azure: GET all virtual networks.
    ArmListVnets = "arm_list_vnets",
    /// Azure: DELETE a virtual network.
    ArmDeleteVnet = "arm_delete_vnet",
    /// Vault: sys/health.
    StoreHealth = "store_health",
    /// Vault: sys/capabilities-self.
    StoreCapabilities = "store_capabilities",
    /// Vault: auth/token/lookup-self.
    StoreLookupSelf = "store_lookup_self",
    /// Vault: log in by `approle` or `kubernetes`.
    StoreLogin = "store_login",
    /// Vault: write a secret. AWS: CreateSecret, PutSecretValue. Key Vault: set a secret.
    StorePut = "store_put",
    /// Vault, Key Vault: read a secret.
    StoreGet = "store_get",
    /// Vault: delete the newest version of a secret.
    StoreDeleteVersion = "store_delete_version",
    /// AWS: UpdateSecretVersionStage.
    StoreStage = "store_stage",
    /// Vault: read metadata. AWS: DescribeSecret. Key Vault: list the versions of a secret.
    StoreMetadataGet = "store_metadata_get",
    /// Vault: replace metadata. AWS: TagResource. Key Vault: update a version.
    StoreMetadataPut = "store_metadata_put",
    /// Vault: merge into metadata.
    StoreMetadataPatch = "store_metadata_patch",
    /// AWS: RestoreSecret. Key Vault: recover a deleted secret.
    StoreRestore = "store_restore",
    /// Key Vault: read what is kept of a deleted secret, or list them.
    StoreDeletedGet = "store_deleted_get",
    /// Key Vault: delete a deleted secret for good.
    StorePurge = "store_purge",
    /// Key Vault: list the secrets.
    StoreList = "store_list",
    /// Vault: delete a secret with all versions and metadata. AWS, Key Vault: delete a secret.
    StoreDelete = "store_delete",
    /// The issuer's openid-configuration.
    IssuerDiscovery = "issuer_discovery",
    /// The issuer's keys.
    Jwks = "jwks",
    /// The issuer's page where people log in.
    IssuerAuthorize = "issuer_authorize",
    /// A browser's question before it calls the issuer's token endpoint.
    IssuerPreflight = "issuer_preflight",
    /// The issuer's token endpoint.
    IssuerToken = "issuer_token",
    /// The HTML login page that unaccepted requests are sent to.
    LoginPage = "login_page",
    /// A DNS question.
    Dns = "dns",
    /// No route of the vendor.
    Unknown = "unknown",
}
}

impl Call {
    /// Routes of the account API (not OAuth).
    pub fn is_account(self) -> bool {
        (Call::CreateCredentials..=Call::UnassignPrincipal).contains(&self)
    }

    /// Routes of the workspace API (not OAuth).
    pub fn is_workspace(self) -> bool {
        (Call::Me..=Call::SparkVersions).contains(&self)
    }

    /// Routes of Azure Resource Manager.
    pub fn is_arm(self) -> bool {
        (Call::ArmCreateWorkspace..=Call::ArmDeleteVnet).contains(&self)
    }

    /// Routes of Vault, of Secrets Manager and of Key Vault.
    pub fn is_store(self) -> bool {
        (Call::StoreHealth..=Call::StoreDelete).contains(&self)
    }
}
