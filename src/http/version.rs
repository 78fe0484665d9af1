//! `GET /version`: what runs here. It needs no token and says nothing about tenants.

use super::query::{NoQuery, Query};
use axum::Json;
use serde::Serialize;

/// Version of the OpenAPI document: the API's own, which rises with the program's.
pub const DOCUMENT: &str = env!("CARGO_PKG_VERSION");

/// The commit, where whoever built it named one: the build asks no git, so that it is the same from an archive.
const COMMIT: Option<&str> = option_env!("BRICKYARD_COMMIT");

/// What runs here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Version {
    /// Version of the program.
    pub version: String,
    /// The commit it was built from, if the build was told.
    pub commit: Option<String>,
    /// Optional parts that were built in.
    pub features: Vec<String>,
    /// Version of the OpenAPI document, its `info.version`.
    pub document_version: String,
}

impl Version {
    /// This program's.
    pub fn ours() -> Self {
        let features = [
            ("aws", cfg!(feature = "aws")),
            ("azure", cfg!(feature = "azure")),
            ("dev", cfg!(feature = "dev")),
            ("otlp", cfg!(feature = "otlp")),
        ];
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: COMMIT
                .filter(|commit| !commit.is_empty())
                .map(str::to_owned),
            features: features
                .into_iter()
                .filter(|(_, built_in)| *built_in)
                .map(|(name, _)| name.to_owned())
                .collect(),
            document_version: DOCUMENT.to_owned(),
        }
    }

    /// The example of the document: the same from every build.
    fn sample() -> Self {
        Self {
            version: DOCUMENT.to_owned(),
            commit: Some("9f1c2e4d5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d".to_owned()),
            features: Vec::new(),
            document_version: DOCUMENT.to_owned(),
        }
    }
}

/// What runs here
///
/// Version, commit and built-in features of the program, and the version of its OpenAPI document.
#[utoipa::path(
    get,
    path = "/version",
    operation_id = "getVersion",
    tag = "service",
    responses((status = 200, description = "The version", body = Version, example = json!(Version::sample()))),
)]
pub async fn get_version(Query(NoQuery): Query<NoQuery>) -> Json<Version> {
    Json(Version::ours())
}
