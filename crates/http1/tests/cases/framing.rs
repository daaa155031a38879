//! The end of a body.

use super::*;

#[test]
fn a_body_ends_where_its_framing_says() {
    check(&[
        case(
            "a length",
            &["HTTP/1.1 200 OK\r\nContent-Le", "ngth: 2\r\n\r\nh", "i"],
            Expected::Whole(200, "hi", true),
        ),
        case("no body", &["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"], Expected::Whole(200, "", true)),
        case(
            "a length that is not reached",
            &["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", "hi"],
            Expected::Unfinished(200, "hi"),
        ),
        Case {
            closes: true,
            ..case(
                "a length that is cut",
                &["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", "hi"],
                broken(ProtocolError::Cut),
            )
        },
        case(
            "chunks",
            &[
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n",
                "004 ;a=\"b\"\r\n you\r\n0\r\n\r\n",
            ],
            Expected::Whole(200, "hi you", true),
        ),
        case(
            "chunks of something coded",
            &[
                "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            ],
            Expected::Whole(200, "hi", true),
        ),
        case(
            "trailers",
            &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx: y\r\n\r\n"],
            Expected::Whole(200, "hi", true),
        ),
        Case {
            differs: &[Difference::TrailersUnread],
            ..case(
                "trailers that are none",
                &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n"],
                Expected::Whole(200, "", true),
            )
        },
        Case {
            closes: true,
            ..case(
                "chunks that are cut",
                &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"],
                broken(ProtocolError::Cut),
            )
        },
        Case {
            closes: true,
            ..case(
                "up to the end",
                &["HTTP/1.1 200 OK\r\n\r\nall ", "of it"],
                Expected::Whole(200, "all of it", false),
            )
        },
        case(
            "up to an end that does not come",
            &["HTTP/1.1 200 OK\r\n\r\nall ", "of it"],
            Expected::Unfinished(200, "all of it"),
        ),
        Case {
            closes: true,
            ..case(
                "chunks that are coded",
                &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, gzip\r\n\r\n2\r\nhi"],
                Expected::Whole(200, "2\r\nhi", false),
            )
        },
        case(
            "no content, whatever is said",
            &["HTTP/1.1 204 No Content\r\ncontent-length: 7\r\n\r\n"],
            Expected::Whole(204, "", true),
        ),
        case(
            "not modified, whatever is said",
            &["HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n"],
            Expected::Whole(304, "", true),
        ),
        Case {
            method: Method::HEAD,
            ..case(
                "to HEAD",
                &["HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n"],
                Expected::Whole(200, "", true),
            )
        },
    ]);
}

#[test]
fn interim_responses_are_passed_over() {
    check(&[
        case(
            "two of them, with lengths that are nobody's",
            &[
                "HTTP/1.1 100 Continue\r\n\r\n",
                "HTTP/1.1 103 Early Hints\r\ncontent-length: 9\r\nconnection: close\r\n\r\n",
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
            ],
            Expected::Whole(200, "hi", true),
        ),
        case(
            "another protocol",
            &["HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"],
            refused(ProtocolError::Switched),
        ),
        Case {
            closes: true,
            ..case("nothing behind them", &["HTTP/1.1 100 Continue\r\n\r\n"], refused(ProtocolError::Cut))
        },
    ]);
}
