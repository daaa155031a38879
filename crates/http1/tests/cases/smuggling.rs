//! Bytes of which two readers could make different responses.

use super::*;

#[test]
fn a_length_is_one_number_or_the_response_is_refused() {
    check(&[
        Case {
            differs: &[Difference::LengthRepeated],
            ..case(
                "the same twice",
                &["HTTP/1.1 200 OK\r\ncontent-length: 2\r\nContent-Length: 2, 2\r\n\r\nhi"],
                Expected::Whole(200, "hi", true),
            )
        },
        case(
            "two",
            &["HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nhi"],
            refused(ProtocolError::Length),
        ),
        case(
            "two in a list",
            &["HTTP/1.1 200 OK\r\ncontent-length: 2, 3\r\n\r\nhi"],
            refused(ProtocolError::Length),
        ),
        case("a sign", &["HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nhi"], refused(ProtocolError::Length)),
        case("none", &["HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\nhi"], refused(ProtocolError::Length)),
        case(
            "another base",
            &["HTTP/1.1 200 OK\r\ncontent-length: 0x2\r\n\r\nhi"],
            refused(ProtocolError::Length),
        ),
        case(
            "65 bits",
            &["HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551616\r\n\r\nhi"],
            refused(ProtocolError::Length),
        ),
        Case {
            differs: &[Difference::LengthTooLong],
            ..case(
                "64 bits",
                &["HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\nhi"],
                Expected::Unfinished(200, "hi"),
            )
        },
        case(
            "one, and bytes that no text has",
            &["HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: \u{e9}\r\n\r\nhi"],
            refused(ProtocolError::Length),
        ),
    ]);
}

#[test]
fn chunks_beside_a_length_are_read_and_the_connection_is_closed() {
    check(&[
        Case {
            differs: &[Difference::LengthBesideChunks],
            ..case(
                "both",
                &[
                    "HTTP/1.1 200 OK\r\ncontent-length: 7\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
                ],
                Expected::Whole(200, "hi", false),
            )
        },
        Case {
            differs: &[Difference::LengthBesideChunks],
            ..case(
                "a length that is none",
                &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: x\r\n\r\n0\r\n\r\n"],
                Expected::Whole(200, "", false),
            )
        },
        Case {
            differs: &[Difference::CodingInHttp10],
            ..case(
                "chunks in HTTP/1.0",
                &[
                    "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
                ],
                Expected::Whole(200, "hi", false),
            )
        },
    ]);
}

#[test]
fn a_line_of_a_head_is_one_line_for_everybody() {
    check(&[
        case("bare LF", &["HTTP/1.1 200 OK\ncontent-length: 2\n\nhi"], Expected::Whole(200, "hi", true)),
        case(
            "bare CR",
            &["HTTP/1.1 200 OK\r\nx: y\rcontent-length: 2\r\n\r\nhi"],
            refused(ProtocolError::Head),
        ),
        case("NUL", &["HTTP/1.1 200 OK\r\nx: \0\r\n\r\n"], refused(ProtocolError::Head)),
        case("folded", &["HTTP/1.1 200 OK\r\nx: y\r\n z\r\n\r\n"], refused(ProtocolError::Head)),
        case(
            "a blank before the colon",
            &["HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\nhi"],
            refused(ProtocolError::Head),
        ),
        case("no colon", &["HTTP/1.1 200 OK\r\nno colon\r\n\r\n"], refused(ProtocolError::Head)),
        case("another protocol", &["SSH-2.0-server\r\n"], refused(ProtocolError::Head)),
        case("another version", &["HTTP/2.0 200 OK\r\n\r\n"], refused(ProtocolError::Head)),
        case("a status that is none", &["HTTP/1.1 099 Odd\r\n\r\n"], refused(ProtocolError::Head)),
    ]);
}

#[test]
fn chunks_are_told_apart_by_cr_lf_alone() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    check(&[
        case("a bare LF behind a size", &[HEAD, "2\nhi\r\n0\r\n\r\n"], broken(ProtocolError::Chunk)),
        case("a bare CR behind a size", &[HEAD, "2\rhi\r\n0\r\n\r\n"], broken(ProtocolError::Chunk)),
        case("a bare LF in an extension", &[HEAD, "2;a\nhi\r\n0\r\n\r\n"], broken(ProtocolError::Chunk)),
        case("a bare LF behind data", &[HEAD, "2\r\nhi\n0\r\n\r\n"], broken(ProtocolError::Chunk)),
        case("more data than was said", &[HEAD, "2\r\nhi!\r\n0\r\n\r\n"], broken(ProtocolError::Chunk)),
        case("no size", &[HEAD, ";a\r\n"], broken(ProtocolError::Chunk)),
        case("a sign", &[HEAD, "+2\r\nhi\r\n"], broken(ProtocolError::Chunk)),
        case("digits behind a blank", &[HEAD, "2 2\r\n"], broken(ProtocolError::Chunk)),
        case("65 bits", &[HEAD, "10000000000000002\r\nhi\r\n"], broken(ProtocolError::Chunk)),
        Case {
            differs: &[Difference::TrailersWithBareLf],
            ..case("a bare LF in a trailer", &[HEAD, "0\r\nx: y\n\r\n"], broken(ProtocolError::Chunk))
        },
    ]);
}
