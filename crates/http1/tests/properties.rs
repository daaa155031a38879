//! The bodies of the fuzz targets, as properties that hold on the stable toolchain, and their corpora.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use strongroom_testkit::corpus::replay;

#[path = "fuzz/differences.rs"]
mod differences;
#[path = "fuzz/exchange.rs"]
mod exchange;
#[path = "fuzz/http1_framing.rs"]
mod http1_framing;
#[path = "fuzz/http1_response.rs"]
mod http1_response;
#[path = "fuzz/pieces.rs"]
mod pieces;

/// Responses over HTTP/1.1, most of them nearly right.
fn response() -> impl Strategy<Value = Vec<u8>> {
    let header = prop_oneof![
        4 => "content-length: [0-9]{1,2}(, ?[0-9])?",
        4 => Just("Transfer-Encoding: chunked".to_owned()),
        2 => "transfer-encoding: (gzip|chunked), ?(chunked|x)",
        4 => "(connection|Connection): ?(close|keep-alive|x)(, ?(close|keep-alive))?",
        4 => "[a-z:\\- ]{1,8}: ?[a-z]{0,3}",
        1 => "content-length: ?(\\+1|0x1|\u{e9}|18446744073709551615|99999999999999999999|)",
        1 => "(x: y| folded|x : y|\u{0}|x: \\r y)",
    ];
    let status = prop_oneof![
        8 => Just("200 OK"),
        2 => Just("100 Continue\r\n\r\nHTTP/1.1 200 OK"),
        1 => Just("103 Early Hints\r\ncontent-length: 3\r\nconnection: close\r\n\r\nHTTP/1.1 206 Partial Content"),
        1 => Just("101 Switching Protocols"),
        1 => Just("204"),
        1 => Just("304 Not Modified"),
        1 => Just("7"),
    ];
    let end = prop_oneof![9 => Just("\r\n"), 1 => Just("\n")];
    let version = prop_oneof![6 => Just("1"), 2 => Just("0"), 1 => Just("2")];
    let chunk = ("[a-f]{0,12}", "( |\t)?(;[a-z=]{0,3})?", 0..10_usize, end.clone());
    let chunk = chunk.prop_map(|(data, extension, wrong, end)| {
        let size = if wrong == 0 { data.len() + 1 } else { data.len() };
        format!("{size:x}{extension}{end}{data}\r\n")
    });
    let chunks = proptest::collection::vec(chunk, 0..5).prop_map(|chunks| chunks.concat());
    let last = "(0\r\n(X: y(\r\n|\n|\r))?(no colon\r\n)?\r\n)?[a-z]{0,3}";
    let chunked = (chunks, last).prop_map(|(chunks, last)| chunks + &last);
    let body = prop_oneof![3 => chunked, 1 => "[a-z0-9\r\n]{0,40}"];
    let lines = proptest::collection::vec(header, 0..5);
    let head = (version, lines, status, end).prop_map(|(version, lines, status, end)| {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        format!("HTTP/1.{version} {status}{end}{lines}{end}")
    });
    let head = prop_oneof![9 => head, 1 => Just(String::new())];
    (any::<u8>(), any::<u8>(), head, body, proptest::collection::vec(mutation(), 0..3)).prop_map(
        |(method, cut, head, body, mutations)| {
            let mut response = [head.as_bytes(), body.as_bytes()].concat();
            mutations.iter().for_each(|mutation| mutation.apply(&mut response));
            [&[method, cut], response.as_slice()].concat()
        },
    )
}

/// A change of a few bytes.
#[derive(Debug, Clone)]
struct Mutation {
    at: prop::sample::Index,
    removes: usize,
    inserts: Vec<u8>,
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let at = self.at.index(bytes.len() + 1);
        let end = (at + self.removes).min(bytes.len());
        bytes.splice(at..end, self.inserts.iter().copied());
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let telling = prop::sample::select(b"\r\n :;,0\t\0\xff".as_slice());
    let byte = prop_oneof![3 => telling, 1 => any::<u8>()];
    (any::<prop::sample::Index>(), 0..3_usize, proptest::collection::vec(byte, 0..3))
        .prop_map(|(at, removes, inserts)| Mutation { at, removes, inserts })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn a_response_is_read_the_same_however_it_arrives(data in response()) {
        http1_framing::foreign(&data);
    }
}

proptest! {
    // The same ones each time: those that are new are for `cargo xtask fuzz`.
    #![proptest_config(ProptestConfig { cases: 6000, rng_seed: RngSeed::Fixed(9112), ..ProptestConfig::default() })]

    #[test]
    fn our_client_and_hypers_come_to_the_same(data in response()) {
        http1_response::foreign(&data);
    }
}

#[test]
fn every_kept_response_is_read_the_same_however_it_arrives() {
    replay("http1_framing", http1_framing::foreign);
}

#[test]
fn of_every_kept_response_our_client_and_hypers_make_the_same() {
    replay("http1_response", http1_response::foreign);
}
