//! The bodies of the fuzz targets, as properties that hold on the stable toolchain, and their corpora.

use proptest::prelude::*;
use strongroom_testkit::corpus::replay;

#[path = "fuzz/http1_framing.rs"]
mod http1_framing;
#[path = "fuzz/pieces.rs"]
mod pieces;

/// Responses over HTTP/1.1, most of them nearly right.
fn response() -> impl Strategy<Value = Vec<u8>> {
    let header = prop_oneof![
        "content-length: [0-9]{1,2}(, ?[0-9])?",
        Just("Transfer-Encoding: chunked".to_owned()),
        "transfer-encoding: (gzip|chunked), ?(chunked|x)",
        "connection: (close|keep-alive|x)",
        "[a-z:\\- ]{1,8}: ?[a-z]{0,3}",
    ];
    let status = prop_oneof![
        8 => Just("200 OK"),
        1 => Just("100 Continue\r\n\r\nHTTP/1.1 200 OK"),
        1 => Just("204"),
        1 => Just("7"),
    ];
    let end = prop_oneof![9 => Just("\r\n"), 1 => Just("\n")];
    let chunk = ("[a-f]{0,12}", "(;[a-z=]{0,3})?", 0..10_usize, end.clone());
    let chunk = chunk.prop_map(|(data, extension, wrong, end)| {
        let size = if wrong == 0 { data.len() + 1 } else { data.len() };
        format!("{size:x}{extension}{end}{data}\r\n")
    });
    let chunks = proptest::collection::vec(chunk, 0..5).prop_map(|chunks| chunks.concat());
    let chunked = (chunks, "(0\r\n(X: y\r\n)?\r\n)?[a-z]{0,3}").prop_map(|(chunks, last)| chunks + &last);
    let body = prop_oneof![3 => chunked, 1 => "[a-z0-9\r\n]{0,40}"];
    let head = (proptest::collection::vec(header, 0..4), status, end).prop_map(|(lines, status, end)| {
        format!(
            "HTTP/1.1 {status}{end}{}{end}",
            lines.iter().map(|line| format!("{line}\r\n")).collect::<String>()
        )
    });
    let head = prop_oneof![3 => head, 1 => Just(String::new())];
    (any::<u8>(), any::<u8>(), head, body)
        .prop_map(|(method, cut, head, body)| [&[method, cut], head.as_bytes(), body.as_bytes()].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn a_response_is_read_the_same_however_it_arrives(data in response()) {
        http1_framing::foreign(&data);
    }
}

#[test]
fn every_kept_response_is_read_the_same_however_it_arrives() {
    replay("http1_framing", http1_framing::foreign);
}
