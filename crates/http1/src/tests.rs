//! Heads and bodies as RFC 9112 has them, and as it does not.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderValue, Method, StatusCode, Uri, Version};
use hyper::ext::ReasonPhrase;

use super::*;
use crate::response_head::may_be_read;

fn head(text: &str, method: &Method) -> Result<Option<ResponseHead>, ProtocolError> {
    read_response_head(&Bytes::copy_from_slice(text.as_bytes()), method)
}

/// The head of an answer to a POST with these lines.
fn read(status: &str, lines: &[&str]) -> Result<ResponseHead, ProtocolError> {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    head(&format!("HTTP/1.1 {status}\r\n{lines}\r\n"), &Method::POST).map(|head| head.expect("a whole head"))
}

fn written(method: &Method, length: BodyLength) -> String {
    let headers = [
        (CONTENT_LENGTH, "7"),
        (TRANSFER_ENCODING, "gzip"),
        (HOST, "elsewhere"),
        (http::header::ACCEPT, "*/*"),
    ];
    let headers = headers.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
    let mut out = Vec::new();
    let (target, host) = (Uri::from_static("/v1/x?a=b"), HeaderValue::from_static("api.test:8443"));
    write_request_head(&mut out, RequestLine { method, target: &target, host: &host }, &headers, length);
    String::from_utf8(out).unwrap()
}

#[test]
fn what_frames_a_request_is_its_bodys_length_and_not_a_header() {
    let start =
        |method: &str| format!("{method} /v1/x?a=b HTTP/1.1\r\nhost: api.test:8443\r\naccept: */*\r\n");
    assert_eq!(written(&Method::POST, BodyLength::Known(5)), start("POST") + "content-length: 5\r\n\r\n");
    assert_eq!(written(&Method::POST, BodyLength::Known(0)), start("POST") + "content-length: 0\r\n\r\n");
    assert_eq!(written(&Method::GET, BodyLength::Known(0)), start("GET") + "\r\n");
    assert_eq!(
        written(&Method::PUT, BodyLength::Chunked),
        start("PUT") + "transfer-encoding: chunked\r\n\r\n"
    );
}

#[test]
fn how_the_body_comes_is_told_by_status_method_and_headers() {
    let framed =
        |status: &str, lines: &[&str]| read(status, lines).map(|head| (head.framing, head.stays_open));
    let chunked = Framing::Chunked(Chunked::default());
    for (status, lines, framing, stays_open) in [
        ("200 OK", &["Content-Length: 7"][..], Framing::Length(7), true),
        ("200", &["content-length: 7", "Content-Length: 7, 7"], Framing::Length(7), true),
        ("200 OK", &["Content-Length: 7", "Connection: x, Close"], Framing::Length(7), false),
        ("200 OK", &[], Framing::UntilClosed, false),
        ("200 OK", &["Transfer-Encoding: chunked"], chunked.clone(), true),
        ("200 OK", &["Transfer-Encoding: gzip, Chunked"], chunked.clone(), true),
        ("200 OK", &["Transfer-Encoding: gzip", "Transfer-Encoding: chunked"], chunked.clone(), true),
        // The chunks count, and nothing comes after them over a connection whose other side may see another end.
        ("200 OK", &["Transfer-Encoding: chunked", "Content-Length: 7"], chunked, false),
        ("200 OK", &["Transfer-Encoding: chunked, gzip"], Framing::UntilClosed, false),
        ("204 No Content", &["Content-Length: 7"], Framing::Length(0), true),
        ("304 Not Modified", &["Transfer-Encoding: chunked"], Framing::Length(0), true),
    ] {
        assert_eq!(framed(status, lines), Ok((framing, stays_open)), "{status} {lines:?}");
    }
    // Whoever passes the answer on is told one length, and none where it goes by chunks.
    let lengths = |lines: &[&str]| {
        let head = read("200 OK", lines).unwrap();
        head.response.headers().get_all(CONTENT_LENGTH).into_iter().cloned().collect::<Vec<_>>()
    };
    assert_eq!(lengths(&["Content-Length: 7, 7", "content-length: 7"]), ["7"]);
    assert!(lengths(&["Transfer-Encoding: chunked", "Content-Length: x"]).is_empty());
    let to_head = head("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", &Method::HEAD).unwrap().unwrap();
    assert_eq!(to_head.framing, Framing::Length(0));
    let old = head("HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n", &Method::GET).unwrap().unwrap();
    assert_eq!((old.response.version(), old.stays_open), (Version::HTTP_10, false));
    let kept = head("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 7\r\n\r\n", &Method::GET);
    assert!(kept.unwrap().unwrap().stays_open);
    let both =
        head("HTTP/1.0 200 OK\r\nConnection: Keep-Alive, close\r\nContent-Length: 7\r\n\r\n", &Method::GET);
    assert!(!both.unwrap().unwrap().stays_open);
    let reason = |status: &str| {
        let head = read(status, &[]).unwrap();
        head.response.extensions().get::<ReasonPhrase>().map(|reason| reason.as_bytes().to_vec())
    };
    assert_eq!(reason("529 Overloaded").as_deref(), Some(b"Overloaded".as_slice()));
    assert_eq!(reason("429 Too Many Requests"), None);
}

#[test]
fn headers_come_as_they_were_sent_and_interim_answers_are_passed_over() {
    let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n\
                HTTP/1.1 429 Too Many Requests\r\nRetry-After:  7 \r\nX-A: 1\r\nx-a: \r\nContent-Length: 2\r\n\r\nhi";
    for end in 0..text.len() - "hi".len() {
        assert!(head(&text[..end], &Method::POST).unwrap().is_none(), "{end}");
    }
    let head = head(text, &Method::POST).unwrap().unwrap();
    assert_eq!((head.response.status(), head.bytes), (StatusCode::TOO_MANY_REQUESTS, text.len() - 2));
    let headers = head.response.headers();
    assert_eq!(headers["retry-after"], "7");
    assert_eq!(headers.get_all("x-a").into_iter().collect::<Vec<_>>(), ["1", ""]);
    assert!(!headers.contains_key("link"));
}

#[test]
fn what_is_no_answer_is_told_from_one_that_is_not_whole() {
    for (lines, error) in [
        (&["Content-Length: 7, 8"][..], ProtocolError::Length),
        (&["Content-Length: 7", "Content-Length: 8"], ProtocolError::Length),
        (&["Content-Length: +7"], ProtocolError::Length),
        (&["Content-Length: "], ProtocolError::Length),
        (&["Content-Length: 99999999999999999999"], ProtocolError::Length),
        (&["A: b", " folded"], ProtocolError::Head),
        (&["no colon"], ProtocolError::Head),
        (&["Sp ace: b"], ProtocolError::Head),
    ] {
        assert_eq!(read("200 OK", lines).unwrap_err(), error, "{lines:?}");
    }
    assert_eq!(read("200 OK", &["a: b"; 129]).unwrap_err(), ProtocolError::HeadTooLong);
    assert_eq!(read("101 Switching Protocols", &["Upgrade: x"]).unwrap_err(), ProtocolError::Switched);
    assert_eq!(head("ICY 200 OK\r\n\r\n", &Method::GET).unwrap_err(), ProtocolError::Head);
    assert_eq!(head("HTTP/1.1 099 Odd\r\n\r\n", &Method::GET).unwrap_err(), ProtocolError::Head);
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(MAX_HEAD_BYTES));
    assert_eq!(head(&endless, &Method::GET).unwrap_err(), ProtocolError::HeadTooLong);
    assert_eq!(head(&(endless + "\r\n\r\n"), &Method::GET).unwrap_err(), ProtocolError::HeadTooLong);
}

#[test]
fn a_head_that_comes_byte_by_byte_is_read_when_a_line_is_empty_and_not_with_each_byte() {
    let long =
        format!("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nx: {}\n\r\nbody", "y".repeat(9000));
    for text in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "\r\n\nHTTP/1.1 200 OK\na: b\n\n",
        "HTTP/1.0 204 No Content\r\n\r\n",
        &long,
    ] {
        let whole = head(text, &Method::GET).unwrap().unwrap();
        for step in 1..text.len().min(7) {
            let (mut seen, mut readings) = (0, 0);
            let found = loop {
                let end = (seen + step).min(text.len());
                if may_be_read(&text.as_bytes()[..end], seen) {
                    readings += 1;
                    if let Some(found) = head(&text[..end], &Method::GET).unwrap() {
                        break found;
                    }
                }
                assert!(end < text.len(), "{text:?} by {step}");
                seen = end;
            };
            assert_eq!((found.bytes, found.response.headers()), (whole.bytes, whole.response.headers()));
            assert!(readings <= 4, "{readings} readings of {text:?} by {step}");
        }
    }
}

fn chunks(text: &str) -> Result<(String, String, bool), ProtocolError> {
    let mut framing = Framing::Chunked(Chunked::default());
    let mut received = Bytes::copy_from_slice(text.as_bytes());
    let data = framing.take(&mut received)?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Ok((text(&data), text(&received), framing.is_over()))
}

#[test]
fn chunks_come_together_and_what_is_behind_them_stays() {
    let whole = |data: &str, rest: &str| Ok((data.to_owned(), rest.to_owned(), true));
    assert_eq!(chunks("0\r\n\r\n"), whole("", ""));
    assert_eq!(
        chunks("5\r\nhello\r\n000d;a=\"b\" \r\n big \r\n world\r\n0\r\n\r\nrest"),
        whole("hello big \r\n world", "rest")
    );
    assert_eq!(chunks("A\t\r\n0123456789\r\n0;x\r\nExpires: 0\r\nX: \r\n\r\n"), whole("0123456789", ""));
    assert_eq!(chunks("5\r\nhel"), Ok(("hel".to_owned(), String::new(), false)));
    for broken in [
        "\r\n",
        "g\r\n",
        "-1\r\n",
        "5\nhello",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\rx",
        "5;a\n",
        "0\r\n\n",
        "5 x\r\n",
        "0\r\nX: y\n\r\n",
        "0\r\nX: y\rz",
        "0\r\n\rx",
        "10000000000000000\r\n",
    ] {
        assert_eq!(chunks(broken), Err(ProtocolError::Chunk), "{broken:?}");
    }
    let padded = format!("1 {}\r\nx\r\n", " ".repeat(9)).repeat(MAX_CHUNK_OVERHEAD_BYTES);
    assert_eq!(chunks(&padded), Ok(("x".repeat(MAX_CHUNK_OVERHEAD_BYTES), String::new(), false)));
    let long = "x".repeat(MAX_CHUNK_OVERHEAD_BYTES + 1);
    assert_eq!(chunks(&format!("5;{long}\r\n")), Err(ProtocolError::Chunk));
    assert_eq!(chunks(&format!("0\r\nx: {long}")), Err(ProtocolError::Chunk));
}

#[test]
fn the_end_of_the_connection_ends_a_body_that_has_no_other_end() {
    let mut until_closed = Framing::UntilClosed;
    let mut received = Bytes::from_static(b"all of it");
    assert_eq!(until_closed.take(&mut received).unwrap(), "all of it");
    assert!(!until_closed.is_over());
    assert_eq!(until_closed.close(), Ok(()));
    assert!(until_closed.is_over());
    assert_eq!(Framing::Length(1).close(), Err(ProtocolError::Cut));
    assert_eq!(Framing::Length(0).close(), Ok(()));
    assert_eq!(Framing::Chunked(Chunked::default()).close(), Err(ProtocolError::Cut));
}
