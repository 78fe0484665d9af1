//! What happens around each request of the SDK: it is counted, its body kept out of the SDK's own log, which prints whole
//! requests at the level `trace`, and somebody's page is told apart from an answer: the SDK takes every 200 for success
//! where it needs nothing of the answer.

use super::KIND;
use crate::metrics;
use aws_sdk_secretsmanager::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
    FinalizerInterceptorContextRef,
};
use aws_sdk_secretsmanager::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_secretsmanager::error::BoxError;
use aws_smithy_types::body::SdkBody;

const REQUEST_ID: &str = "x-amzn-requestid";

/// Makes bodies streams, of which nothing is printed, counts, and refuses pages.
#[derive(Debug)]
pub(super) struct Around;

impl Intercept for Around {
    fn name(&self) -> &'static str {
        "Around"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.request_mut().body_mut();
        let bytes = std::mem::replace(body, SdkBody::taken());
        *body = SdkBody::from_body_1_x(bytes);
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        let headers = answer.headers();
        let kind = headers.get("content-type").unwrap_or_default();
        // An answer names its request, whatever it calls its content.
        let is_page = kind.starts_with("text/html") && headers.get(REQUEST_ID).is_none();
        match answer.status().is_success() && is_page {
            true => Err("a page instead of an answer".into()),
            false => Ok(()),
        }
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        metrics::called(KIND, answer.map(|answer| answer.status().as_u16()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_would_print_and_a_stream_does_not() {
        let plain = SdkBody::from("dapi-canary");
        assert!(format!("{plain:?}").contains("dapi-canary"));
        let hidden = SdkBody::from_body_1_x(plain);
        assert!(!format!("{hidden:?}").contains("dapi-canary"));
        assert_eq!(hidden.content_length(), Some(11));
    }
}
