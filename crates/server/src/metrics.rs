//! What is counted, for Prometheus: requests here, connections and frames in `engine`, the process in `process`, the store
//! in `store`.

mod engine;
mod process;
mod store;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use chat::Chat;
use http::Method;
use http::header::CONTENT_TYPE;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use volley::Volley;

use crate::store::Sqlite;

/// From a lookup in memory to a password's hash in a long queue, in seconds.
const BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];

/// What is counted of HTTP. Everything else is known elsewhere and read when somebody asks.
#[derive(Debug)]
pub struct Metrics {
    requests: Family<Answered, Counter>,
    durations: Family<Route, Histogram, fn() -> Histogram>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

impl Default for Metrics {
    fn default() -> Self {
        let durations = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> _);
        Self { requests: Family::default(), durations }
    }
}

impl Metrics {
    /// A request to `route`, the pattern and not the path, has been answered.
    pub fn answered(&self, method: &Method, route: &str, status: u16, took: Duration) {
        let method = method_label(method).to_owned();
        let answered = Answered { method, route: route.to_owned(), status };
        self.requests.get_or_create(&answered).inc();
        let route = Route { route: route.to_owned() };
        self.durations.get_or_create(&route).observe(took.as_secs_f64());
    }

    /// What is answered on the listener of its own.
    pub fn router(&self, volley: Volley, chat: Arc<Chat<Sqlite>>) -> Router {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(process::Process));
        let parlor = registry.sub_registry_with_prefix("parlor");
        parlor.register("http_requests", "Requests answered", self.requests.clone());
        parlor.register_with_unit(
            "http_request_duration",
            "Time from a request to its answer",
            Unit::Seconds,
            self.durations.clone(),
        );
        parlor.register_collector(Box::new(engine::Engine(volley)));
        parlor.register_collector(Box::new(store::Reads(chat)));
        let registry = Arc::new(registry);
        let scrape = move || {
            let registry = registry.clone();
            async move {
                let mut page = String::new();
                text::encode(&mut page, &registry)
                    .expect("a string takes all that is written to it");
                (
                    [(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")],
                    page,
                )
            }
        };
        Router::new().route("/metrics", get(scrape))
    }
}

/// Clients can make up methods; what is counted must not grow with that.
fn method_label(method: &Method) -> &str {
    match *method {
        Method::GET | Method::HEAD | Method::POST | Method::DELETE | Method::OPTIONS => {
            method.as_str()
        }
        _ => "other",
    }
}
