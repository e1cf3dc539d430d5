//! Why a request was not done, as an answer. Statuses stand here and nowhere else.

use axum::Json;
use axum::response::{IntoResponse, Response};
use chat::Error;
use chat::wire::ApiError;
use chat::wire::http::Failed;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

/// Why a request was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// The chat says no.
    Chat(Error),
    /// It comes from a page of somebody else, or does not say from which.
    ForbiddenOrigin,
    /// It asks for another host than this machine.
    ForbiddenHost,
    /// Its body does not say that it is JSON.
    NotJson,
    /// Its body is too long.
    TooLarge,
    /// Its body does not come.
    TooSlow,
    /// There is something at this address, but not with this method.
    WrongMethod,
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::Chat(error) => status_of(error),
            Self::ForbiddenOrigin => StatusCode::FORBIDDEN,
            Self::ForbiddenHost => StatusCode::MISDIRECTED_REQUEST,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    fn in_words(&self) -> ApiError {
        let (code, sentence) = match self {
            Self::Chat(error) => return error.into(),
            Self::ForbiddenOrigin => (
                "forbidden_origin",
                "This request does not come from a page of this server. If you run it, see --public-url and --origin; \
                 if you write a program, use a token and no cookie.",
            ),
            Self::ForbiddenHost => (
                "forbidden_host",
                "This Parlor serves its own machine only, as localhost. If you run it and reach it by a name, start it \
                 with --public-url.",
            ),
            Self::NotJson => ("bad_request", "Send JSON, with Content-Type: application/json."),
            Self::TooLarge => ("bad_request", "That is too much: 64 KiB are the limit."),
            Self::TooSlow => ("bad_request", "The body of the request did not arrive in time."),
            Self::WrongMethod => ("bad_request", "This address does not know this method."),
        };
        ApiError {
            code: code.to_owned(),
            message: sentence.to_owned(),
            field: None,
            retry_after_ms: None,
        }
    }
}

fn status_of(error: &Error) -> StatusCode {
    match error {
        Error::BadRequest(_) | Error::Invalid(..) => StatusCode::BAD_REQUEST,
        Error::WrongCredentials | Error::NotLoggedIn => StatusCode::UNAUTHORIZED,
        Error::WrongPassword => StatusCode::FORBIDDEN,
        Error::RoomNotFound | Error::NotFound => StatusCode::NOT_FOUND,
        Error::NameTaken | Error::NotInRoom | Error::IdempotencyConflict => StatusCode::CONFLICT,
        Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Overloaded { .. } | Error::StorageUnavailable { .. } => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Error::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Chat(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, error) = (self.status(), self.in_words());
        if status.is_server_error() {
            tracing::warn!(code = error.code, "a request could not be done");
        }
        let wait = error.retry_after_ms.map(|wait| wait.div_ceil(1000));
        let mut response = (status, Json(Failed { error })).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = wait {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
