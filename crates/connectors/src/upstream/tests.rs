use super::*;

type Plain = http_body_util::Full<Bytes>;

fn upstream(allow_private: bool) -> Upstream<Plain> {
    Upstream::new(EndpointGuard::new(allow_private), Duration::from_secs(2)).unwrap()
}

async fn get(upstream: &Upstream<Plain>, base: &str) -> Result<u16, UpstreamError> {
    let base = upstream.base(base).unwrap();
    let request = Request::get(base.target("v1/x", Some("a=b")).unwrap()).body(Plain::default()).unwrap();
    upstream.send(&base, request).await.map(|answer| answer.status().as_u16())
}

#[tokio::test]
async fn a_path_is_put_below_the_base_and_private_addresses_need_leave() {
    let open = upstream(true);
    let base = open.base("http://127.0.0.1:9/api/").unwrap();
    assert_eq!(base.target("v1/x", None).unwrap(), "/api/v1/x");
    assert_eq!(base.target("v1/x", Some("alt=sse")).unwrap(), "/api/v1/x?alt=sse");
    assert!(open.base("http://169.254.169.254/").is_err());
    assert!(upstream(false).base("https://127.0.0.1/").is_err());
}
