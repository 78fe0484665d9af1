//! Ids: a prefix and the base32 form of a UUIDv7 (TypeID). Sortable by time, never reused. Those of others are often UUIDs.

use type_safe_id::{StaticType, TypeSafeId};

/// Tag of [`WorkspaceId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct WorkspaceTag;
/// Tag of [`OperationId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct OperationTag;
/// Tag of [`TokenId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TokenTag;

impl StaticType for WorkspaceTag {
    const TYPE: &'static str = "ws";
}
impl StaticType for OperationTag {
    const TYPE: &'static str = "op";
}
impl StaticType for TokenTag {
    const TYPE: &'static str = "tok";
}

/// `ws_…`: one workspace, ours (Databricks' own number is an external id).
pub type WorkspaceId = TypeSafeId<WorkspaceTag>;
/// `op_…`: one operation.
pub type OperationId = TypeSafeId<OperationTag>;
/// `tok_…`: one delivered token, ours (the vendor's token id is an external id).
pub type TokenId = TypeSafeId<TokenTag>;

/// Whether `text` is a UUID in its usual form.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::parse_str(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_and_round_trip() {
        let id = WorkspaceId::new();
        let text = id.to_string();
        assert!(text.starts_with("ws_"), "{text}");
        assert_eq!(text.parse::<WorkspaceId>().unwrap(), id);
        assert!(text.replace("ws_", "op_").parse::<WorkspaceId>().is_err());
        assert_eq!(WorkspaceId::from_uuid(id.uuid()), id);
    }

    #[test]
    fn uuids() {
        assert!(is_uuid("2f1f4d1c-7f4e-4b63-9d0c-0a8b7c1d2e3f"));
        for bad in ["", "1111", "2f1f4d1c7f4e4b639d0c0a8b7c1d2e3f"] {
            assert!(!is_uuid(bad), "{bad}");
        }
    }
}
