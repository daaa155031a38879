//! The API's description as a page for people.

use utoipa::openapi::OpenApi;

/// The page.
#[must_use]
pub fn render(api: &OpenApi) -> String {
    maud::html! { (maud::DOCTYPE) html { head { title { (api.info.title) } } body { h1 { (api.info.title) } } } }.into_string()
}
