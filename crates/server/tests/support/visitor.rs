//! Somebody with a browser: keeps cookies, follows nothing by itself, and says where a form came from as browsers do.

use std::sync::OnceLock;

use reqwest::redirect::Policy;

use super::server::Server;

/// A page that came back.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    /// The target of a redirect.
    pub(crate) location: Option<String>,
    /// The whole `Set-Cookie`, when there is one.
    pub(crate) set_cookie: Option<String>,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Page {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?} {}", self.location, self.text);
        self
    }

    /// The value of the first field of this name.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> String {
        let (_, rest) = self
            .text
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap_or_else(|| panic!("{}", self.text));
        rest.split('"').next().expect("a value").to_owned()
    }
}

/// A browser at one address of a server.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    url: String,
    /// The host that the browser believes to be at.
    pub(crate) host: String,
    pub(crate) cookie: Option<String>,
}

fn client() -> &'static reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let builder = reqwest::Client::builder().redirect(Policy::none()).no_proxy().http1_only();
        builder.pool_max_idle_per_host(0).build().expect("a client")
    })
}

impl Visitor {
    /// At the name whose cookies are shown to no other server.
    pub(crate) fn at_own_name(server: &Server) -> Self {
        let port = server.address().rsplit_once(':').expect("a port").1;
        Self { url: server.url.clone(), host: format!("strongroom.localhost:{port}"), cookie: None }
    }

    /// At `127.0.0.1`, whose cookies are shown to servers of every port.
    pub(crate) fn at_shared_address(server: &Server) -> Self {
        Self { url: server.url.clone(), host: server.address().to_owned(), cookie: None }
    }

    /// Signed in with this token.
    pub(crate) async fn signed_in(mut self, token: &str) -> Self {
        let page = self.post("/login", &[("token", token)]).await.expect(303);
        assert!(page.set_cookie.is_some());
        self
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        self.send("GET", path, &[], None).await
    }

    /// Sends a form from a page of the same address.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let origin = format!("http://{}", self.host);
        let page = self
            .send("POST", path, &[("sec-fetch-site", "same-origin"), ("origin", &origin)], Some(fields))
            .await;
        if let Some(set) = &page.set_cookie {
            self.cookie = set.split(';').next().filter(|pair| !pair.ends_with('=')).map(str::to_owned);
        }
        page
    }

    /// Sends a request with these headers, and what a browser adds by itself.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        fields: Option<&[(&str, &str)]>,
    ) -> Page {
        let mut request = client().request(method.parse().expect("a method"), format!("{}{path}", self.url));
        request = request.header("host", &self.host).header("user-agent", "a browser");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(fields) = fields {
            let body = serde_urlencoded::to_string(fields).expect("a form");
            request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        }
        let response = request.send().await.expect("an answer");
        let header =
            |name: &str| response.headers().get(name).and_then(|it| it.to_str().ok()).map(str::to_owned);
        Page {
            status: response.status().as_u16(),
            location: header("location"),
            set_cookie: header("set-cookie"),
            headers: response.headers().clone(),
            text: response.text().await.expect("a body"),
        }
    }

    /// Begins to read what has no end; the status where there is nothing to read.
    pub(crate) async fn stream(
        &self,
        path: &str,
    ) -> Result<impl futures::Stream<Item = reqwest::Result<axum::body::Bytes>> + Unpin + use<>, u16> {
        let request = client().get(format!("{}{path}", self.url)).header("host", &self.host);
        let request = request.header("cookie", self.cookie.as_deref().unwrap_or_default());
        let response = request.send().await.expect("an answer");
        match response.status().as_u16() {
            200 => Ok(Box::pin(response.bytes_stream())),
            status => Err(status),
        }
    }

    /// The token that the forms of this session carry.
    pub(crate) async fn form_token(&self) -> String {
        self.get("/dashboard/sessions").await.expect(200).field("form")
    }
}
