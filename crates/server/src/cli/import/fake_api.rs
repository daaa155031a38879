//! The two routes that importing uses, in memory: what a test stands against before any server runs.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::json;
use strongroom_client::transport::{Pieces, in_one_piece};
use strongroom_client::wire::import::{ImportReport, ImportRequest, ImportRow, ImportedRow};
use strongroom_client::{Client, Transport};
use strongroom_model::Provider;

use super::send::digest;
use crate::cli::output::{Format, Output};
use crate::cli::session::{ConnectionMode, Session};

/// A name that this API refuses to store.
pub(super) const REFUSED: &str = "refused";

/// A name that this API stores without the key that it was sent.
pub(super) const CORRUPTED: &str = "corrupted";

/// Rows that are stored; ids are kept, or given from 100 on.
#[derive(Clone, Default)]
pub(super) struct FakeApi {
    rows: Arc<Mutex<Vec<ImportRow>>>,
    requests: Arc<Mutex<Vec<ImportRequest>>>,
}

impl FakeApi {
    /// A session that answers every question with `yes`, or that has nobody to ask.
    pub(super) fn session(&self, yes: bool) -> Session {
        let api = self.clone();
        let caller = move |request: Request<Bytes>| {
            let answer = api.answer(&request).map(in_one_piece);
            Box::pin(async move { answer }) as futures::future::BoxFuture<'static, Response<Pieces>>
        };
        let client = Client::new(Transport::InProcess(Arc::new(caller)));
        Session::new(client, Output::new(Format::Table), yes, ConnectionMode::InProcess)
    }

    /// The names and keys that are stored.
    pub(super) fn stored(&self) -> Vec<(String, Option<String>)> {
        let key = |row: &ImportRow| row.api_key.as_ref().map(|key| key.0.expose().to_owned());
        self.rows.lock().unwrap().iter().map(|row| (row.name.clone(), key(row))).collect()
    }

    /// The stored row of this name.
    pub(super) fn row(&self, name: &str) -> ImportRow {
        self.rows.lock().unwrap().iter().find(|row| row.name == name).cloned().unwrap()
    }

    /// Changes what is stored under this name.
    pub(super) fn change(&self, name: &str, change: impl FnOnce(&mut ImportRow)) {
        change(self.rows.lock().unwrap().iter_mut().find(|row| row.name == name).unwrap());
    }

    /// Requests so far.
    pub(super) fn requests(&self) -> Vec<ImportRequest> {
        self.requests.lock().unwrap().clone()
    }

    fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path();
        let body = match path.strip_prefix("/api/admin/credentials") {
            Some("/import") => {
                let request: ImportRequest = serde_json::from_slice(request.body()).unwrap();
                self.requests.lock().unwrap().push(request.clone());
                serde_json::to_vec(&self.import(&request))
            }
            Some("") => serde_json::to_vec(&self.named(request.uri().query().unwrap())),
            _ => panic!("{path} is not a route that importing uses"),
        };
        Response::builder().header("content-type", "application/json").body(body.unwrap().into()).unwrap()
    }

    fn import(&self, request: &ImportRequest) -> ImportReport {
        let mut stored = self.rows.lock().unwrap();
        let mut rows = Vec::new();
        for row in &request.rows {
            let place = stored.iter().position(|it| it.name == row.name);
            let is_known = stored.iter().any(|it| it.api_key.is_some() && it.api_key == row.api_key);
            let (outcome, reason, place) = match place {
                Some(place) => ("skipped", Some("it is there already"), Some(place)),
                None if request.skip_known_secrets && is_known => {
                    ("skipped", Some("the key is there already"), None)
                }
                None if row.name == REFUSED => ("failed", Some("refused"), None),
                None if request.dry_run => ("migrated", None, None),
                None => {
                    let default = Provider::parse(&row.provider).map(|provider| provider.default_priority());
                    let id = row.id.unwrap_or(100 + stored.len() as i64);
                    let api_key = row.api_key.clone().filter(|_| row.name != CORRUPTED);
                    let priority = row.priority.or(default.ok());
                    stored.push(ImportRow { id: Some(id), api_key, priority, ..row.clone() });
                    ("migrated", None, Some(stored.len() - 1))
                }
            };
            rows.push(ImportedRow {
                name: row.name.clone(),
                outcome: outcome.to_owned(),
                reason: reason.map(str::to_owned),
                id: place.and_then(|place| stored[place].id),
                digest: place.filter(|_| !request.dry_run).map(|place| digest(&stored[place])),
            });
        }
        let count = |outcome: &str| rows.iter().filter(|row| row.outcome == outcome).count();
        let (migrated, skipped, failed) = (count("migrated"), count("skipped"), count("failed"));
        ImportReport { dry_run: request.dry_run, migrated, skipped, failed, rows }
    }

    /// The list of at most one that a query for an exact name is answered with.
    fn named(&self, query: &str) -> Vec<serde_json::Value> {
        let rows = self.rows.lock().unwrap();
        let is_meant = |row: &&ImportRow| {
            url::form_urlencoded::parse(query.as_bytes())
                .any(|it| it == ("name".into(), row.name.as_str().into()))
        };
        rows.iter().filter(is_meant).map(Self::credential).collect()
    }

    fn credential(row: &ImportRow) -> serde_json::Value {
        json!({
            "id": row.id, "uid": "", "name": row.name, "provider": row.provider, "endpoint": row.endpoint,
            "priority": row.priority, "isActive": row.is_active, "isGlobal": row.is_global,
            "userId": row.user_id, "usageCount": 0, "currentMonthUsage": 0, "rateLimit": row.rate_limit, "lastUsed": null,
            "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z", "revision": 1, "version": 1,
        })
    }
}
