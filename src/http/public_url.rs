//! Where callers find this service, if the configuration says so. A problem's `type` outlives the exchange it was
//! answered in (it is stored, mailed, pasted), so it is absolute then, as RFC 9457 prefers. Links to resources stay
//! relative: they are followed in the exchange that said them.

use crate::domain::problem::Code;
use std::sync::Arc;

/// Scheme and host of the service as its callers see it, without a slash at the end; or nothing.
#[derive(Debug, Clone, Default)]
pub struct PublicUrl(Option<Arc<str>>);

impl PublicUrl {
    /// From a setting that `config` has checked.
    pub fn new(url: Option<&str>) -> Self {
        Self(url.map(|url| url.trim_end_matches('/').into()))
    }

    /// The `type` of a problem: where its code is explained.
    pub fn problem_type(&self, code: Code) -> String {
        let base = self.0.as_deref().unwrap_or_default();
        format!("{base}/problems/{}", code.as_str())
    }
}
