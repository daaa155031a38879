//! Facts of the providers' APIs for the gateway: which paths may be called, what a request asks for, what an
//! answer consumed, and what a refusal says about a key.

mod answer_terms;
mod callers_words;
mod error_body;
mod event_lines;
mod figures;
mod json_picker;
mod json_scan;
mod largest;
mod operation;
mod refusal;
mod request;
mod spelling;
mod stream_filter;
mod terms_reader;
mod usage;
mod use_in_refusal;

pub use answer_terms::{billed_model, keep_terms};
pub use callers_words::may_be_callers;
pub use error_body::ErrorBody;
pub use operation::{Dialect, Matched, Meter, Operation, Route, route_of, upstream_path};
pub use refusal::{FailureReason, RefusalBill, Refused, is_of_one_prompt, refusal_bill, refused};
pub use request::{RequestError, RequestFacts};
pub use spelling::{Closed, closed, dialect_of, is_gateways, meant};
pub use stream_filter::UsageFilter;
pub use usage::{AnswerForm, Report, UsageReader, usage_from_raw};
