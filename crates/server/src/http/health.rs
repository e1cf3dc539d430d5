//! Whether the server is alive, and whether it does everything it should. For those who keep it running: no log-in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chat::wire::http::{Health, HealthStatus};
use chat::{Store, StoreError};
use http::StatusCode;

use super::App;

/// Whether the process answers. If it does not, restart it.
#[utoipa::path(
    get, path = "/livez", operation_id = "livez", tag = "Health", security(()),
    responses((status = 200, description = "It does", body = Health)),
)]
pub(super) async fn live() -> Json<Health> {
    Json(Health { status: HealthStatus::Alive })
}

/// Whether the server does everything it should. While it does not, send people elsewhere or let them wait.
#[utoipa::path(
    get, path = "/readyz", operation_id = "readyz", tag = "Health", security(()),
    responses(
        (status = 200, description = "It does", body = Health),
        (status = 503, description = "It does not, and why", body = Health),
    ),
)]
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let status = if app.is_draining() {
        HealthStatus::Draining
    } else {
        // One at a time: whoever asks needs no log-in, and a stalled disk keeps each question in the writer's queue.
        let _turn = app.checking.lock().await;
        match app.chat.store().check().await {
            // With much to do, it does all it should.
            Ok(()) | Err(StoreError::Busy { .. }) => HealthStatus::Ready,
            Err(StoreError::Unavailable { .. } | StoreError::Broken) => {
                HealthStatus::StorageUnavailable
            }
        }
    };
    let code = match status {
        HealthStatus::Alive | HealthStatus::Ready => StatusCode::OK,
        HealthStatus::Draining | HealthStatus::StorageUnavailable => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    (code, Json(Health { status })).into_response()
}
