//! Errors of providers: read as far as errors go, and as people read them.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt;
use strongroom_connectors::upstream::Answer;

use super::body::Coding;

/// Longest error that is read, in bytes.
const MAX_ERROR_BYTES: usize = 64 * 1024;
/// Longest time that the rest of an error may take.
const ERROR_TIMEOUT: Duration = Duration::from_secs(10);
/// Stands in the place of an error that cannot be read here.
const UNREAD_ERROR: &[u8] =
    br#"{"error":{"message":"the provider's error came in a coding that is not read here"}}"#;

/// Reads the body of an error and takes off its coding, which would hide what it repeats; `true` when there was more of it. One
/// in a coding that is not known is left out.
pub(super) async fn read(headers: &mut HeaderMap, body: Answer) -> (Bytes, bool) {
    let (body, is_cut) = read_coded(body).await;
    let coding = Coding::of(headers);
    headers.remove(header::CONTENT_ENCODING);
    match coding {
        Ok(None) => (body, is_cut),
        Ok(Some(coding)) => {
            let (decoded, has_more) = coding.decoded_beginning(&body, MAX_ERROR_BYTES);
            (decoded, is_cut || has_more)
        }
        Err(_) => {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            // What it says of its bill is not known.
            (Bytes::from_static(UNREAD_ERROR), true)
        }
    }
}

/// The body as it came, and `true` when there was more of it.
async fn read_coded(mut body: Answer) -> (Bytes, bool) {
    let (mut read, mut is_cut) = (BytesMut::new(), true);
    let reading = async {
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return };
            if let Ok(data) = frame.into_data() {
                let room = MAX_ERROR_BYTES - read.len();
                read.extend_from_slice(&data[..data.len().min(room)]);
                if data.len() > room {
                    return;
                }
            }
        }
        is_cut = false;
    };
    // What has come by then is what there is.
    let _ = tokio::time::timeout(ERROR_TIMEOUT, reading).await;
    (read.freeze(), is_cut)
}
