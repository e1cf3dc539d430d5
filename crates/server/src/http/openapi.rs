//! The description of the HTTP API. Each operation is described where it is done; here is what they have in common.

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};

use crate::cookie::Cookie;

/// Where the description is found.
pub(super) const PATH: &str = "/api/openapi.json";

/// What all operations have in common.
pub(super) fn about(cookie: Cookie) -> OpenApi {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "The `token` that `POST /api/login` answers when asked with `\"kind\": \"token\"`.",
        ))
        .build();
    let components = ComponentsBuilder::new()
        .security_scheme("token", SecurityScheme::Http(bearer))
        .security_scheme(
            "cookie",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(cookie.name()))),
        )
        .build();
    let nothing = Vec::<String>::new();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Parlor")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "Accounts, rooms and what was said in them. Everything live goes over Socket.IO. Times are \
                     milliseconds since the Unix epoch. What is not done is answered with `{ \"error\": … }`. Any \
                     operation may be answered 400, 408, 413 or 415 if its request cannot be read, 403 if it comes \
                     from somebody else's page, and 429 or 503 with the time after which to try again.",
                ))
                .build(),
        )
        .components(Some(components))
        .security(Some([
            SecurityRequirement::new("token", nothing.clone()),
            SecurityRequirement::new("cookie", nothing),
        ]))
        .build()
}

/// The description, written once.
#[derive(Debug, Clone)]
pub(super) struct Document(Bytes);

impl Document {
    pub(super) fn new(api: &OpenApi) -> Self {
        Self(api.to_json().expect("a description can be written as JSON").into())
    }
}

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}
