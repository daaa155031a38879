//! Connections that are kept, and those that are not.

use super::exchange::exchange;
use super::*;
use strongroom_http1::Implementation;

#[test]
fn a_connection_is_kept_when_both_sides_want_it_and_nothing_is_left_over() {
    check(&[
        case(
            "close among others",
            &["HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: x, Close\r\n\r\nhi"],
            Expected::Whole(200, "hi", false),
        ),
        case(
            "close, and keep-alive in another line",
            &[
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\nconnection: keep-alive\r\n\r\nhi",
            ],
            Expected::Whole(200, "hi", false),
        ),
        case(
            "HTTP/1.0",
            &["HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi"],
            Expected::Whole(200, "hi", false),
        ),
        case(
            "HTTP/1.0 that is kept",
            &["HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: Keep-Alive\r\n\r\nhi"],
            Expected::Whole(200, "hi", true),
        ),
        case(
            "HTTP/1.0 that says both",
            &["HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive, close\r\n\r\nhi"],
            Expected::Whole(200, "hi", false),
        ),
        Case {
            closes: true,
            ..case(
                "closed behind it",
                &["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"],
                Expected::Whole(200, "hi", false),
            )
        },
        case(
            "another response behind it",
            &[
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
                "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
            ],
            Expected::Whole(200, "hi", false),
        ),
        case(
            "a line behind it",
            &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "\r\n"],
            Expected::Whole(200, "", false),
        ),
        Case { closes: true, ..case("closed before it", &[], Expected::Refused(Fault::Silent)) },
        Case {
            closes: true,
            ..case("closed within its head", &["HTTP/1.1 200 OK\r\nconte"], refused(ProtocolError::Cut))
        },
    ]);
}

#[test]
fn an_early_response_closes_the_connection_over_which_the_request_has_not_left() {
    let peer: &[u8] = b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno";
    for reads_bytes in [1, 200, 20_000] {
        let script =
            Script { body_bytes: 100_000, reads_bytes, ..Script::new(Method::POST, vec![peer], false) };
        let Outcome::Answered(own) = exchange(Implementation::Own, &script) else { panic!("{reads_bytes}") };
        assert_eq!((own.status.as_u16(), &own.body[..], own.end), (413, &b"no"[..], End::Whole));
        assert!(!own.is_kept, "{reads_bytes}");
    }
}
